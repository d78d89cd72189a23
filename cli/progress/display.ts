import type { ProgressEvent } from "../../pipeline/contract.ts";
import type { TerminalOutput } from "../environment.ts";
import { type StepBoard, stepBoard } from "./steps.ts";
import { liveLines, plainLine } from "./text.ts";

/** `live` redraws a line a step, `plain` adds a line every few seconds, `json` a document a line for every event. */
export type ProgressStyle = "live" | "plain" | "json" | "none";

export const PROGRESS_STYLES: readonly ProgressStyle[] = ["live", "plain", "json", "none"];

/** Faster cannot be read, and costs. */
const REDRAW_MS = 200;

/** Often enough to see that it moves, rare enough for a log. */
const PLAIN_LINE_MS = 5000;

/** Time, as tests replace it. */
export interface Clock {
  now(): number;
  /** Calls again and again until disposed. */
  every(ms: number, tick: () => void): Disposable;
}

const realClock: Clock = {
  now: () => performance.now(),
  every(ms, tick) {
    const timer = setInterval(tick, ms);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};

export interface ProgressDisplay {
  report(event: ProgressEvent): void;
  /** Takes the live lines away, so that something else can be printed; they come back below it. */
  clear(): void;
  /** Shows the last state and stops; may be called again. */
  end(): void;
}

/** The display of this style on this output; without a style, live on a terminal and plain elsewhere. */
export function progressDisplay(
  target: TerminalOutput,
  style: ProgressStyle = target.isTerminal ? "live" : "plain",
  clock: Clock = realClock,
): ProgressDisplay {
  return DISPLAYS[style](target, clock);
}

const DISPLAYS: Readonly<Record<ProgressStyle, (target: TerminalOutput, clock: Clock) => ProgressDisplay>> = {
  none: () => ({ report() {}, clear() {}, end() {} }),
  json: jsonDisplay,
  live: (target, clock) => ticking(clock, REDRAW_MS, (board) => liveDrawing(target, board)),
  plain: (target, clock) => ticking(clock, PLAIN_LINE_MS, (board) => plainDrawing(target, board)),
};

function jsonDisplay({ stream }: TerminalOutput): ProgressDisplay {
  return {
    report: (event) => void stream.write(`${JSON.stringify({ progress: event })}\n`),
    clear() {},
    end() {},
  };
}

interface Drawing {
  draw(): void;
  clear(): void;
  /** After the last draw. */
  leave(): void;
}

/** Draws at fixed times from the first event on, whether or not something was reported meanwhile. */
function ticking(clock: Clock, ms: number, makeDrawing: (board: StepBoard) => Drawing): ProgressDisplay {
  const board = stepBoard(() => clock.now());
  const drawing = makeDrawing(board);
  let timer: Disposable | undefined;
  let ended = false;
  return {
    report(event) {
      board.report(event);
      if (!ended) timer ??= clock.every(ms, () => drawing.draw());
    },
    clear: () => drawing.clear(),
    end() {
      if (ended) return;
      ended = true;
      timer?.[Symbol.dispose]();
      if (timer !== undefined) drawing.leave();
    },
  };
}

function liveDrawing(target: TerminalOutput, board: StepBoard): Drawing {
  const { stream } = target;
  let drawnLines = 0;
  // Up to the first drawn line and clear from there (ECMA-48 CPL, ED).
  const erase = () => (drawnLines === 0 ? "" : `\u001b[${drawnLines}F\u001b[J`);
  const draw = () => {
    const lines = liveLines(board.views(), board.bottleneck(), target.columns());
    stream.write(`${erase()}${lines.map((line) => `${line}\n`).join("")}`);
    drawnLines = lines.length;
  };
  return {
    draw,
    clear() {
      if (drawnLines > 0) stream.write(erase());
      drawnLines = 0;
    },
    leave: draw,
  };
}

function plainDrawing({ stream }: TerminalOutput, board: StepBoard): Drawing {
  return {
    draw() {
      const line = plainLine(board.views(), board.bottleneck());
      if (line !== "") stream.write(`${line}\n`);
    },
    clear() {},
    leave() {},
  };
}
