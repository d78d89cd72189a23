import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: ((options: { readonly type: "minor" }) => void) | undefined;

/**
 * Gives back the memory of buffers that are no longer used, by the time it is called again, at about a millisecond. V8 counts the few bytes of their
 * handles and not the megabytes behind them, so that a thread that only decrypts keeps 25 MiB of dead plaintext, and one
 * that passes on what zlib makes 100 MiB: the process would miss its 256 MiB. May go when node:crypto and node:zlib can
 * write into memory that is given to them.
 */
export function collectYoungGarbage(): void {
  if (collect === undefined) {
    // Contexts made from here on have the function; this one is made to take it from.
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc");
  }
  collect?.({ type: "minor" });
}
