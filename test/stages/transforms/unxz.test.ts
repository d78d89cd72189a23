import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import test from "ava";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { decompress } from "../../../stages/transforms/decompress.ts";
import { transformContract } from "./contract.ts";

// What several kinds have in common is tested in decompress.test.ts.

const content = seededDisk("contract", { sizeBytes: 200_000 });

transformContract(test, {
  symbol: "unxz() in decompress()",
  stage: () => decompress("xz"),
  input: async () => execFileSync("xz", ["-c"], { input: content }),
  output: async () => content,
  whenEmpty: { code: "DECOMPRESSION_FAILED" },
  pullsAhead: 3,
});

/** Resolves modules as Node would if the optional package had been left out. */
const withoutLiblzma = (unxz: string): string => `
  import { registerHooks } from "node:module";
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier.startsWith("node-liblzma") ? "not-" + specifier : specifier, context),
  });
  const { unxz } = await import(${JSON.stringify(unxz)});
  try {
    for await (const chunk of unxz((async function* () { yield new Uint8Array(9); })(), {})) void chunk;
  } catch ({ code, message, remedy }) {
    console.log(JSON.stringify({ code, message, remedy }));
  }`;

test("unxz() fails with PROGRAM_MISSING, saying how to get it, where npm has left out node-liblzma", async (t) => {
  const module = new URL("../../../stages/transforms/unxz.ts", import.meta.url).href;
  const args = ["--input-type=module", "--eval", withoutLiblzma(module)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  t.deepEqual(JSON.parse(stdout), {
    code: "PROGRAM_MISSING",
    message: 'Cannot decompress xz as the npm package "node-liblzma" is not installed',
    remedy: "Install it beside diskferry with: npm install --ignore-scripts node-liblzma",
  });
});
