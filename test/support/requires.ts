import test, { type ExecutionContext } from "ava";
import { BASE_PROGRAMS, TEST_PROGRAMS } from "../../scripts/outside-programs.mjs";
import { findProgram } from "./find-program.ts";

type Implementation = (t: ExecutionContext) => Promise<void> | void;

/** The part of ava's `test` that a test with a requirement can use. */
export interface ConditionalTest {
  (title: string, implementation: Implementation): void;
  serial(title: string, implementation: Implementation): void;
}

/**
 * `test` for what needs outside programs: `requires("qemu-img")("title", …)`. Where one is missing the test is
 * skipped with the reason in its title, and fails when the environment variable CI is set: a suite that skips is
 * green for ever.
 */
export function requires(...programs: readonly string[]): ConditionalTest {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return test;
  const packages: Readonly<Record<string, string>> = { ...BASE_PROGRAMS, ...TEST_PROGRAMS };
  const names = missing.map((program) => `${program} (Debian package ${packages[program] ?? "unknown"})`);
  return unmet(`needs ${names.join(", ")}`);
}

/** As {@link requires}, for anything else: `unless` is the reason why the tests cannot run, undefined when they can. */
export function requiresThat(unless: string | undefined): ConditionalTest {
  return unless === undefined ? test : unmet(unless);
}

function unmet(reason: string): ConditionalTest {
  if (process.env.CI === undefined || process.env.CI === "") return skipped(reason);
  return declaring((title) =>
    test(`${title} [${reason}]`, (t) => t.fail(`In CI nothing is skipped: ${reason}`)),
  );
}

/** Tests that are skipped by name, in CI too: for what no CI can be given. */
export function skipped(reason: string): ConditionalTest {
  return declaring((title, implementation) => test.skip(`${title} [${reason}]`, implementation));
}

function declaring(declare: (title: string, implementation: Implementation) => void): ConditionalTest {
  return Object.assign(declare.bind(undefined), { serial: declare });
}
