import type { Plan } from "../pipeline/plan.ts";
import { formatBytes, formatExactBytes } from "../pipeline/units.ts";
import { tableText } from "./table.ts";

const ROUTES: Readonly<Record<Plan["route"], string>> = {
  stream: "stream: everything passes once, in order",
  ranged: "ranged: only what is needed is read",
  spool: "spool: an intermediate file is made in scratch space",
};

/** A plan as a table of its steps, for `--explain`. */
export function planText({ route, steps, scratchBytes }: Plan): string {
  const rows = steps.map(({ step, does, bytes }, index) => [
    String(index + 1),
    step,
    bytes === undefined ? "" : `up to ${formatBytes(bytes)}`,
    does,
  ]);
  return [`route    ${ROUTES[route]}`, `scratch  ${scratchText(scratchBytes)}`, "", tableText(rows)].join(
    "\n",
  );
}

/** Undefined is what only reading the source tells. */
export function scratchText(scratchBytes: number | undefined): string {
  if (scratchBytes === undefined) return "as much as the image takes, which only reading it tells";
  return scratchBytes === 0 ? "none" : `up to ${formatExactBytes(scratchBytes)}`;
}
