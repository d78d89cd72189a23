// npm run docs: writes the parts of the documentation that are made from the code.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generatedParts, withPart } from "./generated-docs.ts";
import { ROOT } from "./program.ts";

for (const part of await generatedParts()) {
  const path = join(ROOT, part.path);
  const page = await readFile(path, "utf8");
  const renewed = withPart(page, part);
  if (renewed === page) continue;
  await writeFile(path, renewed);
  console.log(`renewed ${part.path}: ${part.name}`);
}
