import { UUID, identifiesAll } from "../../support/volumes.ts";

identifiesAll([
  {
    command: ["mke2fs", "-q", "-F", "-t", "ext2", "-L", "two", "-U", UUID],
    sizeMib: 8,
    expected: { type: "ext2", label: "two", uuid: UUID },
  },
  {
    command: ["mke2fs", "-q", "-F", "-t", "ext3", "-L", "sixteen-letters!", "-U", UUID],
    sizeMib: 16,
    expected: { type: "ext3", label: "sixteen-letters!", uuid: UUID },
  },
  {
    command: ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "64bit", "-U", UUID],
    sizeMib: 16,
    expected: { type: "ext4", uuid: UUID },
  },
  {
    command: ["mkfs.xfs", "-q", "-L", "ex", "-m", `uuid=${UUID}`],
    sizeMib: 320,
    expected: { type: "xfs", label: "ex", uuid: UUID },
  },
  {
    command: ["mkfs.btrfs", "-q", "-L", "butter", "-U", UUID],
    sizeMib: 128,
    expected: { type: "btrfs", label: "butter", uuid: UUID },
  },
  {
    command: ["mkswap", "-L", "swp", "-U", UUID],
    sizeMib: 4,
    expected: { type: "swap", label: "swp", uuid: UUID },
  },
]);
