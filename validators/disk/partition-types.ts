/** Types of MBR partitions. Source: util-linux include/pt-mbr-partnames.h, the ones that occur on images. */
const MBR_TYPES: Readonly<Record<number, string>> = {
  0x01: "FAT12",
  0x04: "FAT16 below 32 MiB",
  0x05: "extended",
  0x06: "FAT16",
  0x07: "NTFS, exFAT or HPFS",
  0x0b: "FAT32",
  0x0c: "FAT32 (LBA)",
  0x0e: "FAT16 (LBA)",
  0x0f: "extended (LBA)",
  0x11: "hidden FAT12",
  0x12: "vendor diagnostics",
  0x14: "hidden FAT16 below 32 MiB",
  0x16: "hidden FAT16",
  0x17: "hidden NTFS, exFAT or HPFS",
  0x1b: "hidden FAT32",
  0x1c: "hidden FAT32 (LBA)",
  0x1e: "hidden FAT16 (LBA)",
  0x27: "Windows recovery",
  0x39: "Plan 9",
  0x42: "Windows dynamic disk (LDM)",
  0x82: "Linux swap",
  0x83: "Linux",
  0x85: "Linux extended",
  0x8e: "Linux LVM",
  0xa5: "FreeBSD",
  0xa6: "OpenBSD",
  0xa8: "Darwin UFS",
  0xa9: "NetBSD",
  0xab: "Darwin boot",
  0xaf: "HFS or HFS+",
  0xbe: "Solaris boot",
  0xbf: "Solaris",
  0xea: "Linux extended boot",
  0xee: "GPT protective",
  0xef: "EFI system",
  0xfb: "VMware VMFS",
  0xfc: "VMware swap",
  0xfd: "Linux RAID",
};

/** Types of GPT partitions. Source: util-linux include/pt-gpt-partnames.h, the ones that occur on images. */
const GPT_TYPES: Readonly<Record<string, string>> = {
  "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
  "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
  "024dee41-33e7-11d3-9d69-0008c781f39f": "MBR partition scheme",
  "9e1a2d38-c612-4316-aa26-8b49521e5a8b": "PowerPC PReP boot",
  "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
  "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Microsoft basic data",
  "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3": "Windows dynamic disk metadata (LDM)",
  "af9b60a0-1431-4f62-bc68-3311714a69ad": "Windows dynamic disk data (LDM)",
  "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery",
  "e75caf8f-f680-4cee-afa3-b001e56efc2d": "Windows storage spaces",
  "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux filesystem",
  "a19d880f-05fc-4d3b-a006-743f0f84911e": "Linux RAID",
  "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
  "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
  "8da63339-0007-60c0-c436-083ac8230908": "Linux reserved",
  "933ac7e1-2eb4-4f13-b844-0e14e2aef915": "Linux home",
  "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux extended boot",
  "44479540-f297-41b2-9af7-d131d5f0458a": "Linux root (x86)",
  "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root (x86-64)",
  "69dad710-2ce4-4e3c-b16c-21a1d49abed3": "Linux root (ARM)",
  "b921b045-1df0-41c3-af44-4c6f280d3fae": "Linux root (ARM64)",
  "ca7d7ccb-63ed-4c53-861c-1742536059cc": "LUKS",
  "83bd6b9d-7f41-11dc-be0b-001560b84f0f": "FreeBSD boot",
  "516e7cb5-6ecf-11d6-8ff8-00022d09712b": "FreeBSD swap",
  "516e7cb6-6ecf-11d6-8ff8-00022d09712b": "FreeBSD UFS",
  "516e7cba-6ecf-11d6-8ff8-00022d09712b": "FreeBSD ZFS",
  "824cc7a0-36a8-11e3-890a-952519ad3f61": "OpenBSD data",
  "48465300-0000-11aa-aa11-00306543ecac": "Apple HFS+",
  "7c3457ef-0000-11aa-aa11-00306543ecac": "Apple APFS",
  "6a898cc3-1dd2-11b2-99a6-080020736631": "ZFS",
  "aa31e02a-400f-11db-9590-000c2911d1b8": "VMware VMFS",
};

/** What an MBR type byte stands for, in words. */
export function mbrTypeName(type: number): string {
  return MBR_TYPES[type] ?? "unknown";
}

/** What a GPT type stands for, in words; `uuid` in lower case. */
export function gptTypeName(uuid: string): string {
  return GPT_TYPES[uuid] ?? "unknown";
}
