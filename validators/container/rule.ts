import type { Limits } from "../../pipeline/contract.ts";
import type { DiskFormat } from "../../pipeline/disk-format.ts";
import type { ErrorCode } from "../../pipeline/errors.ts";
import type { ImageView } from "./image-view.ts";

/** An error refuses the image; a warning is told. */
export type Severity = "error" | "warning";

/** What the bytes say about a rule. `unseen`: they are not at hand, as for the end of a stream. */
export type Verdict = "holds" | "unseen" | { readonly found: string };

/** A rule as people read it; `docs/safety.md` lists all of them, compared by test. */
export interface RuleText {
  readonly id: string;
  /** Which bytes decide. */
  readonly reads: string;
  /** What must not be. */
  readonly refuses: string;
  readonly severity: Severity;
  readonly code: ErrorCode;
  /** What to do when it is, imperative, without full stop. */
  readonly remedy: string;
}

export interface Rule<F> extends RuleText {
  check(facts: F, limits: Limits): Verdict;
}

export interface RuleResult extends RuleText {
  readonly outcome: "holds" | "unseen" | "broken";
  /** Of a broken rule: what stands there, as the end of "Cannot accept … as …". */
  readonly found?: string;
}

/** What the structures of one format say. */
export interface Examination {
  /** Guest-visible; absent where the bytes at hand do not tell. */
  readonly virtualSizeBytes?: number;
  readonly results: readonly RuleResult[];
}

/** A format that is opened: how it is read, and its rules. */
export interface Container {
  readonly format: DiskFormat;
  readonly rules: readonly RuleText[];
  /** Never throws for anything the image says. */
  examine(view: ImageView, limits: Limits): Promise<Examination>;
}

/** Ties a reader to the rules about what it reads. */
export function container<F>(spec: {
  readonly format: DiskFormat;
  readonly read: (view: ImageView) => Promise<F>;
  readonly virtualSizeBytes: (facts: F) => number | undefined;
  readonly rules: readonly Rule<F>[];
}): Container {
  const { format, read, rules } = spec;
  return {
    format,
    rules,
    async examine(view, limits) {
      const facts = await read(view);
      const virtualSizeBytes = spec.virtualSizeBytes(facts);
      return {
        ...(virtualSizeBytes === undefined ? {} : { virtualSizeBytes }),
        results: rules.map((rule) => applied(rule, rule.check(facts, limits))),
      };
    },
  };
}

/** A rule with what came of it. */
export function applied(text: RuleText, verdict: Verdict): RuleResult {
  const { id, reads, refuses, severity, code, remedy } = text;
  const rule = { id, reads, refuses, severity, code, remedy };
  if (typeof verdict === "string") return { ...rule, outcome: verdict };
  return { ...rule, outcome: "broken", found: verdict.found };
}

/** Broken with the words, where there are any. */
export function unlessFound(found: string | undefined): Verdict {
  return found === undefined ? "holds" : { found };
}

/** Broken by a condition. */
export function brokenIf(isBroken: boolean, found: () => string): Verdict {
  return isBroken ? { found: found() } : "holds";
}
