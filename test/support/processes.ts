import { readFileSync, readdirSync } from "node:fs";

/** Process ids whose command line contains `text`; finds also what has lost its parent. */
export function processesWith(text: string): readonly number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        return readFileSync(`/proc/${entry}/cmdline`, "utf8").includes(text);
      } catch {
        return false; // ended while we looked
      }
    })
    .map(Number);
}
