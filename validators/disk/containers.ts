import { type Probe, facts, hasMark, paddedText } from "./probe.ts";
import { guidText, uuidText } from "./uuid.ts";

/** cryptsetup "LUKS1 On-Disk Format" and "LUKS2 On-Disk Format": version at 6, label (LUKS2) at 24, UUID as text at 168. */
const luks: Probe = (head) => {
  if (!hasMark(head, 0, "LUKS\xba\xbe")) return undefined;
  const label = head.readUInt16BE(6) === 2 ? paddedText(head, 24, 48) : "";
  return facts("crypto_LUKS", { label, uuid: paddedText(head, 168, 40) });
};

/** libbde "BitLocker Drive Encryption format": the boot sector of a volume from Windows 7 on, whose GUID follows at 160. */
const bitlocker: Probe = (head) =>
  hasMark(head, 3, "-FVE-FS-") ? facts("BitLocker", { uuid: guidText(head.subarray(160, 176)) }) : undefined;

/** LVM2 lib/format_text/layout.h: a label in one of the first four sectors; the UUID has dashes at fixed places. */
const lvm: Probe = (head) => {
  const at = [0, 512, 1024, 1536].find(
    (sector) => hasMark(head, sector, "LABELONE") && hasMark(head, sector + 24, "LVM2 001"),
  );
  if (at === undefined) return undefined;
  const headerAt = at + head.readUInt32LE(at + 20);
  if (headerAt + 40 > at + 512) return facts("LVM2_member", {});
  const uuid = head
    .toString("latin1", headerAt, headerAt + 32)
    .replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/, "$1-$2-$3-$4-$5-$6-$7");
  return facts("LVM2_member", { uuid, sizeBytes: head.readBigUInt64LE(headerAt + 32) });
};

/** Linux Documentation/driver-api/md, version 1.1 (at 0) and 1.2 (at 4 KiB); those at the end are not looked for. */
const raid: Probe = (head) => {
  const at = [0, 4096].find(
    (offset) => head.readUInt32LE(offset) === 0xa92b4efc && head.readUInt32LE(offset + 4) === 1,
  );
  if (at === undefined) return undefined;
  return facts("linux_raid_member", {
    label: paddedText(head, at + 32, 32),
    uuid: uuidText(head.subarray(at + 16, at + 32)),
    sizeBytes: head.readBigUInt64LE(at + 80) * 512n,
  });
};

/** ECMA-119 section 8.4: the first volume descriptor is in sector 16; both-endian numbers, of which the little one is read. */
const ISO_AT = 32 * 1024;
const iso9660: Probe = (head) => {
  if (!hasMark(head, ISO_AT, "\x01CD001")) return undefined;
  const sizeBytes = head.readUInt32LE(ISO_AT + 80) * head.readUInt16LE(ISO_AT + 128);
  return facts("iso9660", { label: paddedText(head, ISO_AT + 40, 32), sizeBytes });
};

/** What holds volumes or encrypts them, and optical disks. */
export const CONTAINER_PROBES: readonly Probe[] = [luks, bitlocker, lvm, raid, iso9660];
