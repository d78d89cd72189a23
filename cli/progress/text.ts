import { formatBytes, formatDuration } from "../../pipeline/units.ts";
import type { Bottleneck, StepView } from "./steps.ts";

/** Narrower windows get no bar. */
const BAR_FROM_COLUMNS = 90;
const BAR_CHARACTERS = 20;

/** One line a step, aligned, no line longer than `columns`; below them the bottleneck, if one is named. */
export function liveLines(
  views: readonly StepView[],
  bottleneck: Bottleneck | undefined,
  columns: number,
): readonly string[] {
  const nameWidth = Math.max(0, ...views.map(({ step }) => step.length));
  const withBar = columns >= BAR_FROM_COLUMNS && views.some(({ totalBytes }) => totalBytes !== undefined);
  const lines = views.map((view) => {
    const bar = withBar ? `${progressBar(view)}  ` : "";
    return `  ${view.step.padEnd(nameWidth)}  ${bar}${figures(view)}`;
  });
  if (bottleneck !== undefined) lines.push(`  ${bottleneckText(bottleneck)}`);
  return lines.map((line) => line.slice(0, Math.max(1, columns - 1)));
}

/** Everything that runs, in one line for a log. */
export function plainLine(views: readonly StepView[], bottleneck: Bottleneck | undefined): string {
  const running = views.filter(({ isRunning }) => isRunning).map((view) => `${view.step} ${figures(view)}`);
  return [...running, ...(bottleneck === undefined ? [] : [bottleneckText(bottleneck)])].join("; ");
}

function progressBar({ doneBytes, totalBytes, isRunning }: StepView): string {
  if (totalBytes === undefined && isRunning) return " ".repeat(BAR_CHARACTERS + 2);
  const full = isRunning ? Math.floor(part(doneBytes, totalBytes ?? 0) * BAR_CHARACTERS) : BAR_CHARACTERS;
  return `[${"#".repeat(full)}${"-".repeat(BAR_CHARACTERS - full)}]`;
}

function figures(view: StepView): string {
  const { doneBytes, totalBytes, bytesPerSecond, remainingMs, isRunning } = view;
  const of =
    totalBytes === undefined || !isRunning
      ? ""
      : ` of ${formatBytes(totalBytes)} (${Math.floor(part(doneBytes, totalBytes) * 100)}%)`;
  const left = remainingMs === undefined ? "" : `, ${formatDuration(remainingMs)} left`;
  const done = isRunning ? "" : ", done";
  return `${formatBytes(doneBytes)}${of}, ${formatBytes(Math.round(bytesPerSecond))}/s${left}${done}`;
}

function bottleneckText({ step, share }: Bottleneck): string {
  return `slowest: ${step} (busy ${Math.round(share * 100)}% of the time)`;
}

function part(doneBytes: number, totalBytes: number): number {
  return totalBytes <= 0 ? 1 : Math.min(1, doneBytes / totalBytes);
}
