/** A run of a disk that its table sets aside. */
export interface Partition {
  /** As the operating system counts: logical partitions from 5 on. */
  readonly number: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** In words: `Linux LVM`, `EFI system`, `unknown`. */
  readonly type: string;
  /** As the table says it: `0x83`, or a GUID in lower case. */
  readonly typeId?: string;
  /** The name that a GPT gives it. */
  readonly label?: string;
  /** A GPT's own, or Linux' PARTUUID of an MBR partition: `74696e79-01`. */
  readonly uuid?: string;
  /** Marked active (MBR) or legacy-bootable (GPT attribute 2). */
  readonly bootable?: boolean;
}

export interface PartitionTable {
  readonly kind: "mbr" | "gpt";
  /** Disk signature of eight hexadecimal digits, or disk GUID. */
  readonly id: string;
  readonly sectorBytes: number;
  /** In the order of their numbers; containers of logical partitions are left out. */
  readonly partitions: readonly Partition[];
  /** What is wrong with the table, one sentence each; a table with problems is still read as far as it goes. */
  readonly problems: readonly string[];
}
