import test from "ava";
import { COMMANDS } from "../../../cli/commands/index.ts";
import { runCli } from "../../../cli/program.ts";
import { testCli } from "../../support/cli.ts";

test("COMMANDS has no name twice", (t) => {
  const names = COMMANDS.map(({ name }) => name);
  t.true(names.length >= 12);
  t.is(new Set(names).size, names.length);
});

for (const { name, summary, examples } of COMMANDS) {
  test(`${name} has a summary of one line and examples of itself`, (t) => {
    t.regex(summary, /^[A-Z].*[^.\n]$/);
    t.true(examples.length > 0);
    for (const { line, does } of examples) {
      t.true(line.split(" ")[0] === name, line);
      t.regex(does, /^[a-z].*[^.]$/);
    }
  });

  test(`${name} --help has examples, and the flags that every command has`, async (t) => {
    const cli = testCli();
    t.is(await runCli([name, "--help"], cli, COMMANDS), 0);
    for (const flag of ["--json", "--quiet", "--trace", "--progress", "--help"])
      t.true(cli.stdout().includes(flag), flag);
    for (const { line } of examples) t.true(cli.stdout().includes(`diskferry ${line}`));
  });

  test(`the examples of ${name} use only flags that it has`, async (t) => {
    const cli = testCli();
    await runCli([name, "--help"], cli, COMMANDS);
    const [help = ""] = cli.stdout().split("Examples:");
    for (const { line } of examples) {
      const [own = ""] = line.split(/[|<>]/);
      for (const flag of own.split(" ").filter((word) => /^--?[a-z]/i.test(word))) {
        t.regex(help, new RegExp(`(^|[ ,])${flag}[, ]`, "m"), `${flag} in "${line}"`);
      }
    }
  });

  test(`${name} refuses a flag that it does not have with 2`, async (t) => {
    t.is(await runCli([name, "--no-such-flag"], testCli(), COMMANDS), 2);
  });
}
