import { type Profiler, Session } from "node:inspector";

/** Which code has run, as the engine itself counts it. */
export interface Coverage extends Disposable {
  /** Whether code of the repository ran, since the last call, that had not run before any call. */
  ranNew(): boolean;
  /** How many blocks have run so far. */
  blockCount(): number;
}

/** Starts to count. Blocks are those of V8's block coverage, in files below `root`. */
export function coverage(root: string): Coverage {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const seen = new Set<string>();
  const prefix = `file://${root}/`;
  return {
    ranNew() {
      const before = seen.size;
      for (const { url, functions } of taken(session)) {
        if (!url.startsWith(prefix) || url.includes("/node_modules/")) continue;
        for (const { ranges } of functions) {
          for (const { count, startOffset, endOffset } of ranges) {
            if (count > 0) seen.add(`${url}:${startOffset}-${endOffset}`);
          }
        }
      }
      return seen.size > before;
    },
    blockCount: () => seen.size,
    [Symbol.dispose]: () => session.disconnect(),
  };
}

/** The calls answer before they return. */
function taken(session: Session): readonly Profiler.ScriptCoverage[] {
  let result: readonly Profiler.ScriptCoverage[] = [];
  session.post("Profiler.takePreciseCoverage", (_error, answer) => {
    result = answer.result;
  });
  return result;
}
