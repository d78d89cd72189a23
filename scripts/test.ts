// npm test: the whole suite, or what is named: npm test -- test/stages/**
import { interruption } from "./program.ts";
import { runTests } from "./run-tests.ts";
import { formatCounts } from "./tap.ts";

const counts = await runTests(process.argv.slice(2), interruption());
console.log(formatCounts(counts));
process.exitCode = counts.failed === 0 ? 0 : 1;
