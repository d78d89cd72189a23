// npm run attack: every hostile image of the corpus against every wall, or those that are named: npm run attack -- inspector
import { tableText } from "../cli/table.ts";
import { DUMMY_BAIT } from "../fixtures/hostile/attack.ts";
import { ATTACKS } from "../fixtures/hostile/index.ts";
import { WALLS } from "../fixtures/hostile/walls.ts";
import { temporaryFolder } from "../test/support/folder.ts";

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(WALLS, name));
if (unknown.length > 0) {
  console.error(`There is no wall "${unknown.join('", "')}": choose from ${Object.keys(WALLS).join(", ")}`);
  process.exit(2);
}
const walls = Object.entries(WALLS).filter(([name]) => wanted.length === 0 || wanted.includes(name));

const rows: (readonly string[])[] = [
  ["", "attack", "advisory or kind", "wanted", ...walls.map(([, { title }]) => title)],
];
const slowestMs = new Map<string, number>();
let fallenCount = 0;
for (const attack of ATTACKS) {
  const cells: string[] = [];
  let isHeld = true;
  for (const [name, wall] of walls) {
    await using folder = await temporaryFolder();
    const result = await wall.run(attack, DUMMY_BAIT, folder.path);
    if (result === undefined) cells.push("-");
    else {
      cells.push(`${result.isHeld ? "✓" : "✗"} ${result.outcome}`);
      isHeld &&= result.isHeld;
      slowestMs.set(name, Math.max(slowestMs.get(name) ?? 0, result.ms));
    }
  }
  if (!isHeld) fallenCount++;
  rows.push([isHeld ? "✓" : "✗", attack.id, attack.advisory, attack.code, ...cells]);
}

const slowest = [...slowestMs].map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`).join(", ");
console.log(
  `${tableText(rows)}\n\n${ATTACKS.length} attacks, ${fallenCount} got through; slowest: ${slowest}`,
);
process.exitCode = fallenCount === 0 ? 0 : 1;
