// npm run ok: everything that must hold before a change is shared; CI runs this and nothing else.
import { interruption, runTool } from "./program.ts";
import { runTests } from "./run-tests.ts";
import { formatCounts } from "./tap.ts";

/** What is quick, before the tests: what runs, and what to do when it fails. */
const CHECKS = [
  { name: "types", command: ["tsc", "-p", "."], advice: "mend the types, then: npm run types" },
  {
    name: "lint",
    command: ["oxlint", "--type-aware"],
    advice: "mend it, or switch the rule off on that line with a reason, then: npm run lint",
  },
  { name: "fmt", command: ["oxfmt", "--check"], advice: "run: npm run fmt" },
  {
    name: "knip",
    command: ["knip"],
    advice: "remove what nothing uses, or name it in knip.json with a reason, then: npm run knip",
  },
];

const signal = interruption();
const advice: string[] = [];
for (const check of CHECKS) {
  const startedAtMs = performance.now();
  const status = await runTool(check.command, { signal });
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  console.log(`${status === 0 ? "✔" : "✘"} ${check.name} (${seconds} s)`);
  if (status !== 0) advice.push(`${check.name}: ${check.advice}`);
}
const failedChecks = advice.length;
const tests = await runTests([], signal);
if (tests.failed > 0) advice.push("tests: mend them one file at a time with: npx ava FILE");

for (const line of advice) console.log(`next: ${line}`);
const passed = tests.passed + CHECKS.length - failedChecks;
const failed = tests.failed + failedChecks;
console.log(formatCounts({ passed, failed, skipped: tests.skipped }));
process.exitCode = failed === 0 ? 0 : 1;
