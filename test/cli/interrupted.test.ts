import { constants } from "node:os";
import test from "ava";
import { Interrupted, STOP_SIGNALS } from "../../cli/interrupted.ts";

for (const signal of STOP_SIGNALS) {
  test(`Interrupted by ${signal} ends with 128 and the number of the signal, as shells report it`, (t) => {
    const reason = new Interrupted(signal);
    t.is<number, number>(reason.exitStatus, 128 + constants.signals[signal]);
    t.is(reason.message, `Stopped by ${signal}`);
  });
}
