import type { DiskFormat } from "../../pipeline/disk-format.ts";
import { IDENTITY_RULES } from "./identity-rules.ts";
import { qcow2 } from "./qcow2-rules.ts";
import { raw } from "./raw.ts";
import type { Container, RuleText } from "./rule.ts";
import { vdi } from "./vdi.ts";
import { vhd } from "./vhd-rules.ts";
import { vhdx } from "./vhdx-rules.ts";
import { vmdk } from "./vmdk-rules.ts";

/** One line a format. */
export const CONTAINERS = { raw, qcow2, vmdk, vhd, vhdx, vdi } as const satisfies Record<
  DiskFormat,
  Container
>;

/** Every rule there is, in the order in which they are looked at. */
export const SAFETY_RULES: readonly RuleText[] = [
  ...IDENTITY_RULES,
  ...Object.values(CONTAINERS).flatMap(({ rules }) => rules),
];
