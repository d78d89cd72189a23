/** Disjoint pieces that may be open at one time; servers send a reply in order, so one is usual. */
const MAX_PIECES = 1024;

/** Which bytes of one request have come: each exactly once, or the reply is malformed. */
export interface Coverage {
  /** False when some of `[start, end)` came before, lies outside, or the pieces are too scattered to keep count. */
  add(start: number, end: number): boolean;
  readonly isComplete: boolean;
}

export function coverage(lengthBytes: number): Coverage {
  const pieces: [start: number, end: number][] = []; // sorted, disjoint, not touching
  return {
    add(start, end) {
      if (start < 0 || end > lengthBytes || start >= end || pieces.length >= MAX_PIECES) return false;
      let at = pieces.length;
      while (at > 0 && (pieces[at - 1]?.[0] ?? 0) >= start) at--;
      const before = pieces[at - 1];
      const after = pieces[at];
      if ((before !== undefined && before[1] > start) || (after !== undefined && after[0] < end))
        return false;
      const joinsAfter = after?.[0] === end;
      if (before?.[1] === start) {
        before[1] = joinsAfter ? after[1] : end;
        if (joinsAfter) pieces.splice(at, 1);
      } else if (joinsAfter) {
        after[0] = start;
      } else {
        pieces.splice(at, 0, [start, end]);
      }
      return true;
    },
    get isComplete() {
      return lengthBytes === 0 || (pieces[0]?.[0] === 0 && pieces[0][1] === lengthBytes);
    },
  };
}
