/** Rows as aligned columns, two spaces apart; the last column is not padded. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join("  "),
    )
    .join("\n");
}

/** `label  value` lines without those that have no value. */
export function factsText(facts: readonly (readonly [label: string, value: string | undefined])[]): string {
  return tableText(facts.flatMap(([label, value]) => (value === undefined ? [] : [[label, value]])));
}
