// Loaded before the program that is measured (`node --import`): tells its own peak at the end, without its children's.
import { writeFileSync } from "node:fs";

process.on("exit", () => {
  const path = process.env.DISKFERRY_BENCH_RSS;
  if (path !== undefined) writeFileSync(path, String(process.resourceUsage().maxRSS));
});
