import { writeFile } from "node:fs/promises";
import test from "ava";
import { COMMANDS } from "../../cli/commands/index.ts";
import { runCli } from "../../cli/program.ts";
import { safetyText } from "../../cli/safety-text.ts";
import { qcow2Image, withBackingFile } from "../../fixtures/hostile/good/qcow2.ts";
import { testCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

const rule = {
  reads: "a",
  refuses: "b",
  severity: "error",
  code: "IMAGE_UNSAFE",
  remedy: "Do this",
} as const;

test("safetyText() has a line for each rule, and a remedy for what is broken, each once", (t) => {
  const text = safetyText({
    name: "disk",
    layers: ["gzip"],
    format: "raw",
    isSafe: false,
    readBytes: 2048,
    rules: [
      { ...rule, id: "one", outcome: "holds" },
      { ...rule, id: "two", outcome: "unseen" },
      { ...rule, id: "three", outcome: "broken", found: "it is bad" },
      { ...rule, id: "four", outcome: "broken", severity: "warning", found: "it is odd" },
    ],
  });
  t.regex(text, /verdict +refused/);
  t.regex(text, /^one +ok/m);
  t.regex(text, /^two +not seen/m);
  t.regex(text, /^three +error +it is bad$/m);
  t.regex(text, /^four +warning +it is odd$/m);
  t.is(text.split("→ Do this").length, 2);
});

test("inspect --safety ends with 0 for a good image and 1 for a bad one, and prints every rule", async (t) => {
  await using folder = await temporaryFolder();
  const path = folder.file("image");
  for (const [image, status, verdict] of [
    [qcow2Image(), 0, "accepted"],
    [withBackingFile(qcow2Image(), "/etc/passwd"), 1, "refused"],
  ] as const) {
    await writeFile(path, image);
    const cli = testCli();
    t.is(await runCli(["inspect", path, "--safety"], cli, COMMANDS), status);
    t.regex(cli.stdout(), new RegExp(`verdict +${verdict}`));
    t.regex(cli.stdout(), /qcow2-backing-file/);
  }
  const cli = testCli();
  await runCli(["inspect", path, "--safety", "--json"], cli, COMMANDS);
  t.like(JSON.parse(cli.stdout()), { isSafe: false, format: "qcow2" });
});
