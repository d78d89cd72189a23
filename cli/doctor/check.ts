import type { RunContext } from "../../worker/run-context.ts";

/** What one check found. */
export interface Diagnosis {
  readonly ok: boolean;
  /** What was found, and what it is for. */
  readonly detail: string;
  /** What to do, where it is not ok. */
  readonly fix?: string;
}

/** One thing that diskferry needs of a machine. */
export interface Check {
  readonly name: string;
  /** What it throws is a diagnosis as well: a check never breaks the others. */
  look(context: RunContext, about: DoctorOptions): Promise<Diagnosis>;
}

export interface DoctorOptions {
  /** Of the object store that is going to be used. */
  readonly endpoint?: string;
}
