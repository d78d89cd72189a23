import { mkdir, writeFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { benchConvert } from "./convert.ts";
import { benchInspect } from "./inspect.ts";
import { benchMemory } from "./memory.ts";
import { type Bench, type BenchResult, isMet, resultTable } from "./result.ts";
import { benchS3 } from "./s3.ts";
import { benchUnbundle } from "./unbundle.ts";

/** `npm run bench` runs all of them; `npm run bench -- unbundle s3` some. */
const BENCHES: Readonly<Record<string, Bench>> = {
  unbundle: benchUnbundle,
  convert: benchConvert,
  s3: benchS3,
  memory: benchMemory,
  inspect: benchInspect,
};

setFlagsFromString("--no-incremental-marking"); // as cli/main.ts does

const RESULTS_FOLDER = join(import.meta.dirname, "results");

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(
    `No benchmark is called "${unknown.join('", "')}": there are ${Object.keys(BENCHES).join(", ")}`,
  );
  process.exit(2);
}

const results: BenchResult[] = [];
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`measuring ${name} …`);
  results.push(...(await bench()));
}

const machine = {
  cpu: cpus()[0]?.model,
  coreCount: cpus().length,
  memoryBytes: totalmem(),
  kernel: release(),
};
await mkdir(RESULTS_FOLDER, { recursive: true });
const file = join(RESULTS_FOLDER, `${new Date().toISOString().replaceAll(":", "-")}.json`);
await writeFile(file, `${JSON.stringify({ node: process.version, machine, results }, undefined, 2)}\n`);

console.log(`\n${resultTable(results)}\n\nAll samples: ${file}`);
process.exitCode = results.some((result) => isMet(result) === false) ? 1 : 0;
