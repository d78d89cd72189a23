import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import test from "ava";
import manifest from "../package.json" with { type: "json" };
import { COMMANDS } from "../cli/commands/index.ts";
import { generatedParts, withPart } from "../scripts/generated-docs.ts";
import { ROOT, repositoryFiles } from "./support/source-files.ts";

const pages = await repositoryFiles("*.md");
const code = await repositoryFiles("*.ts", "*.mjs");

function page(path: string): string {
  const found = pages.find((one) => one.path === path);
  if (found === undefined) throw new Error(`There is no page "${path}"`);
  return found.text;
}

test("what the pages repeat is what the code says: run npm run docs", async (t) => {
  const parts = await generatedParts();
  t.true(parts.length >= 3);
  for (const part of parts) {
    const text = page(part.path);
    t.true(part.text.length > 500, `${part.name} is not empty`);
    t.is(withPart(text, part), text, `${part.path}: ${part.name}`);
  }
});

test("every dependency has its line in docs/dependencies.md, and no other has", (t) => {
  const listed = [...page("docs/dependencies.md").matchAll(/^\| `([^`]+)` \|/gm)].map(
    ([, name = ""]) => name,
  );
  const { dependencies, optionalDependencies, devDependencies } = manifest;
  const wanted = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies });
  t.deepEqual(listed.toSorted(), wanted.toSorted());
});

test("every link to a file of the repository leads to one", (t) => {
  let count = 0;
  const broken = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].flatMap(([, target = ""]) => {
      if (/^[a-z]+:/.test(target)) return [];
      count++;
      return existsSync(join(ROOT, dirname(path), target)) ? [] : [`${path} → ${target}`];
    }),
  );
  t.deepEqual(broken, []);
  t.true(count >= 20, `followed ${count} links only`);
});

test("every file that a page names is there", (t) => {
  const folders = [...new Set(code.map(({ path }) => path.split("/")[0] ?? ""))];
  const pattern = new RegExp(`\`((?:${folders.join("|")}|docs)/[\\w./-]+\\.(?:ts|mjs|md|sh))\``, "g");
  let count = 0;
  const missing = pages.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].flatMap(([, target = ""]) => {
      count++;
      return existsSync(join(ROOT, target)) ? [] : [`${path} names ${target}`];
    }),
  );
  t.deepEqual(missing, []);
  t.true(count >= 40, `saw ${count} names only`);
});

test("the tree in README.md has every folder with code, and no other", async (t) => {
  const tree = /```text\n(bin\/[\s\S]*?)```/.exec(page("README.md"))?.[1] ?? "";
  const named = [...tree.matchAll(/^([\w.]+)\/ /gm)].map(([, folder = ""]) => folder);
  const ignored = new Set([".git", ".cache", ".ci", "node_modules", "dist", "coverage"]);
  const entries = await readdir(ROOT, { withFileTypes: true });
  const folders = entries
    .filter((entry) => entry.isDirectory() && !ignored.has(entry.name))
    .map(({ name }) => name);
  t.deepEqual(named.toSorted(), folders.toSorted());
});

test("the pages call only commands that there are", (t) => {
  const names = new Set(COMMANDS.map(({ name }) => name));
  const called = pages
    .filter(({ path }) => path !== "docs/cli.md")
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^\s*(?:npx )?diskferry ([a-z][a-z-]+)/gm)].map(([, name = ""]) => ({ path, name })),
    );
  t.true(called.length >= 8, `saw ${called.length} commands only`);
  t.deepEqual(
    called.filter(({ name }) => !names.has(name)),
    [],
  );
});

test("the pages run only npm scripts that there are", (t) => {
  const scripts = new Set(Object.keys(manifest.scripts));
  const run = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name = ""]) => ({ path, name })),
  );
  t.deepEqual(
    run.filter(({ name }) => !scripts.has(name)),
    [],
  );
});

test("every decision in docs/adr is listed in order, and has its four parts", async (t) => {
  const files = (await readdir(join(ROOT, "docs", "adr"))).filter((name) => /^\d{4}-/.test(name)).toSorted();
  const listed = [...page("docs/adr/README.md").matchAll(/\((\d{4}-[\w-]+\.md)\)/g)].map(
    ([, name = ""]) => name,
  );
  t.deepEqual(listed, files);
  for (const [index, file] of files.entries()) {
    t.is(Number(file.slice(0, 4)), index + 1, file);
    const text = await readFile(join(ROOT, "docs", "adr", file), "utf8");
    for (const part of ["Context", "Decision", "What we gave up", "When to look again"]) {
      t.true(text.includes(`**${part}.**`), `${file}: ${part}`);
    }
  }
});
