import { readFile, rename, rm, writeFile } from "node:fs/promises";
import test from "ava";
import { COMMANDS } from "../../../cli/commands/index.ts";
import { verify } from "../../../cli/commands/verify.ts";
import { runCli } from "../../../cli/program.ts";
import { testIdentity } from "../../../fixtures/keys.ts";
import { seededDisk } from "../../../fixtures/seeded.ts";
import { parsedOptions, testCli } from "../../support/cli.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { requires } from "../../support/requires.ts";

const withPrograms = requires("qemu-img", "qemu-nbd", "openssl");

test("verify looks beside the result unless --manifest says where", async (t) => {
  t.is((await parsedOptions(verify, ["a.raw"])).verify.manifest, undefined);
  t.like(await parsedOptions(verify, ["a.raw", "--manifest", "s3://b/c.json"]), {
    verify: { manifest: { kind: "s3", bucket: "b", key: "c.json" } },
  });
});

/** A converted disk with a signed manifest, and a way to verify it. */
async function converted() {
  const folder = await temporaryFolder();
  const [operator, other] = await Promise.all([testIdentity("operator"), testIdentity("stranger")]);
  await writeFile(folder.file("disk.raw"), seededDisk("verify", { sizeBytes: 1024 * 1024 }));
  const args = [
    "convert",
    folder.file("disk.raw"),
    folder.file("disk.qcow2"),
    "--sign-with",
    operator.keyPath,
  ];
  const status = await runCli(args, testCli(), COMMANDS);
  const check = async (...flags: string[]) => {
    const cli = testCli();
    return { status: await runCli(["verify", folder.file("disk.qcow2"), ...flags], cli, COMMANDS), ...cli };
  };
  return { folder, operator, other, status, check };
}

withPrograms("verify confirms a result, its signature as well where a certificate is given", async (t) => {
  const { folder, operator, other, status, check } = await converted();
  t.is(status, 0);
  const plain = await check();
  t.is(plain.status, 0, plain.stderr());
  t.regex(plain.stdout(), /is what its result manifest of .* states\nformat +qcow2\n/);
  const signed = await check("--cert", operator.certificatePath, "--json");
  t.is(signed.status, 0, signed.stdout());
  t.is(JSON.parse(signed.stdout()).verified[0].what, "signature");
  const wrong = await check("--cert", other.certificatePath);
  t.is(wrong.status, 6);
  t.regex(wrong.stderr(), /^diskferry: SIGNATURE_INVALID /);
  await folder[Symbol.asyncDispose]();
});

withPrograms("verify ends with 3 without a manifest, and with 6 for one of another result", async (t) => {
  const { folder, check } = await converted();
  const manifest = folder.file("disk.qcow2.diskferry.json");
  await rename(manifest, folder.file("moved.json"));
  t.is((await check()).status, 3);
  t.is((await check("--manifest", folder.file("moved.json"))).status, 0);
  const text = await readFile(folder.file("moved.json"), "utf8");
  await writeFile(
    manifest,
    text.replace(/("value": *")(.)/, (_all, before, digit) => before + (digit === "0" ? "1" : "0")),
  );
  const changed = await check();
  t.is(changed.status, 6);
  t.regex(changed.stderr(), /DIGEST_MISMATCH/);
  await rm(manifest);
  await folder[Symbol.asyncDispose]();
});
