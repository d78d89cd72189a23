/** One line that says where data is: `RW 4192256 SPARSE "disk.vmdk"`. */
export interface ExtentLine {
  readonly access: string;
  readonly sectorCount: number;
  readonly type: string;
  /** The rest of the line: a quoted name and for flat extents an offset. */
  readonly place: string;
}

/** The text in a VMDK that says of what it is made. VMware "Virtual Disk Format 5.0", "Text Descriptor". */
export interface VmdkDescriptor {
  readonly extents: readonly ExtentLine[];
  /** Keys as they are written, with their values without quotes, in order. */
  readonly entries: readonly (readonly [key: string, value: string])[];
  /** Lines that are no comment, no entry and no extent. */
  readonly strangeLines: readonly string[];
  /** How often the text says `createType`, comments included: qemu takes the first wherever it stands. */
  readonly createTypeCount: number;
  /** Whether something other than zeroes stands behind the end of the text, where programs disagree on reading on. */
  readonly hasHiddenText: boolean;
}

const EXTENT = /^(RW|RDONLY|NOACCESS)\s+(\d{1,20})\s+(\S+)\s*(.*)$/;
const ENTRY = /^([A-Za-z][\w.:-]*)\s*=\s*(.*)$/;

/** Splits a descriptor into its lines. Never throws: what it does not understand is listed. */
export function parseVmdkDescriptor(bytes: Buffer): VmdkDescriptor {
  const end = bytes.indexOf(0);
  const text = bytes.toString("latin1", 0, end === -1 ? bytes.byteLength : end);
  const [extents, entries, strangeLines]: [ExtentLine[], [string, string][], string[]] = [[], [], []];
  for (const line of text.split(/\r\n|\n|\r/).map((line) => line.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const extent = EXTENT.exec(line);
    const entry = ENTRY.exec(line);
    if (extent !== null) {
      const [, access = "", sectorCount = "", type = "", place = ""] = extent;
      extents.push({ access, sectorCount: Number(sectorCount), type, place });
    } else if (entry !== null) {
      const [, key = "", value = ""] = entry;
      entries.push([key, value.replace(/^"(.*)"$/, "$1")]);
    } else strangeLines.push(line);
  }
  return {
    extents,
    entries,
    strangeLines,
    createTypeCount: text.toLowerCase().split("createtype").length - 1,
    hasHiddenText: end !== -1 && bytes.subarray(end).some((byte) => byte !== 0),
  };
}

/** The value of a key in any case, of the first line that has it. */
export function entryOf({ entries }: VmdkDescriptor, key: string): string | undefined {
  return entries.find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
}
