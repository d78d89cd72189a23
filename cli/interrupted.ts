import type { ExitStatus } from "./exit-status.ts";

/** The signals that end a run after cleaning up. */
export const STOP_SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

export type StopSignal = (typeof STOP_SIGNALS)[number];

/** 128 and the number of the signal, as shells report programs that a signal ended. */
const EXIT_STATUS_AFTER = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const satisfies Record<
  StopSignal,
  ExitStatus
>;

/** The reason with which everything is aborted when the program is told to stop. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly signal: StopSignal;

  constructor(signal: StopSignal) {
    super(`Stopped by ${signal}`);
    this.signal = signal;
  }

  get exitStatus(): ExitStatus {
    return EXIT_STATUS_AFTER[this.signal];
  }
}
