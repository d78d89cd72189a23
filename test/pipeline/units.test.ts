import test from "ava";
import { formatBytes, formatExactBytes, formatDuration, parseSize } from "../../pipeline/units.ts";

for (const [bytes, text] of [
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [10 * 1024 ** 2, "10 MiB"],
  [123.4 * 1024 ** 3, "123 GiB"],
  [16 * 1024 ** 4, "16 TiB"],
  [2 ** 63, "8192 PiB"],
] as const) {
  test(`formatBytes() writes ${bytes} as ${text}`, (t) => t.is(formatBytes(bytes), text));
}

for (const [ms, text] of [
  [0, "0 ms"],
  [999, "999 ms"],
  [1500, "1.5 s"],
  [61_000, "1 min 1 s"],
  [3_720_000, "1 h 2 min"],
] as const) {
  test(`formatDuration() writes ${ms} ms as ${text}`, (t) => t.is(formatDuration(ms), text));
}

for (const [text, bytes] of [
  ["0", 0],
  ["10485760", 10_485_760],
  ["10m", 10_485_760],
  ["10MB", 10_485_760],
  ["10 MiB", 10_485_760],
  ["1.5GiB", 1.5 * 1024 ** 3],
  ["2T", 2 * 1024 ** 4],
  ["512b", 512],
  ["", undefined],
  ["m", undefined],
  ["-1", undefined],
  ["1e3", undefined],
  ["0.3b", undefined],
  ["99999999999t", undefined],
  ["10x", undefined],
] as const) {
  test(`parseSize() reads "${text}" as ${bytes}`, (t) => t.is(parseSize(text), bytes));
}

test("formatExactBytes() says a size to read and to compute with, and a small one once", (t) => {
  t.deepEqual([0, 1, 1023, 1024, 1536].map(formatExactBytes), [
    "0 bytes",
    "1 byte",
    "1023 bytes",
    "1 KiB (1024 bytes)",
    "1.5 KiB (1536 bytes)",
  ]);
});
