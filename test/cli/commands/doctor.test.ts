import { COMMANDS } from "../../../cli/commands/index.ts";
import { doctor } from "../../../cli/commands/doctor.ts";
import { runCli } from "../../../cli/program.ts";
import { parsedOptions, testCli } from "../../support/cli.ts";
import { requires } from "../../support/requires.ts";
import test from "ava";

test("doctor takes the address of a store from flags and environment", async (t) => {
  t.is((await parsedOptions(doctor, ["--url", "http://a"])).endpoint, "http://a");
  t.is((await parsedOptions(doctor, [], { AWS_ENDPOINT_URL: "http://b" })).endpoint, "http://b");
  t.is((await parsedOptions(doctor, [])).endpoint, undefined);
});

requires(
  "qemu-img",
  "qemu-nbd",
  "prlimit",
  "setpriv",
)("doctor ends with 0 where everything is there, a line a check", async (t) => {
  const cli = testCli();
  t.is(await runCli(["doctor"], cli, COMMANDS), 0, cli.stdout());
  const lines = cli.stdout().trimEnd().split("\n");
  t.true(lines.length >= 10);
  for (const line of lines) t.regex(line, /^✓ \S.*: \S/);
  t.regex(cli.stdout(), /^✓ qemu-img: qemu-img version \d/m);
});

test("doctor ends with 1 where a program is missing, and prints the line that installs it", async (t) => {
  const cli = testCli({ variables: { PATH: "/nowhere" } });
  t.is(await runCli(["doctor", "--json"], cli, COMMANDS), 1);
  const { ok, checks } = JSON.parse(cli.stdout());
  t.false(ok);
  const found = checks.find(({ name }: { readonly name: string }) => name === "qemu-img");
  t.like(found, { ok: false });
  t.regex(found.fix, /apt-get install qemu-utils/);
  const text = testCli({ variables: { PATH: "/nowhere" } });
  t.is(await runCli(["doctor"], text, COMMANDS), 1);
  t.regex(text.stdout(), /^✗ qemu-img: .*not installed\n {4}Install it with: apt-get install qemu-utils$/m);
});

test("doctor ends with 1 where the scratch folder cannot be written", async (t) => {
  const cli = testCli();
  t.is(await runCli(["doctor", "--scratch-dir", "/proc/none"], cli, COMMANDS), 1);
  t.regex(cli.stdout(), /^✗ scratch folder: .*"\/proc\/none"\n {4}.*--scratch-dir$/m);
});
