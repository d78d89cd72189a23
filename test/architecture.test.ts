import { posix } from "node:path";
import test from "ava";
import { type RepositoryFile, repositoryFiles } from "./support/source-files.ts";

/** Folder → what its files may import beside themselves; docs/architecture.md says why. Packages: see {@link PACKAGES}. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  pipeline: [],
  manifest: ["pipeline"],
  programs: ["pipeline"],
  stages: ["pipeline", "manifest"],
  converters: ["pipeline", "programs", "stages/blocks"],
  validators: ["pipeline", "programs", "stages/blocks"],
  worker: ["pipeline", "manifest", "programs", "stages", "converters", "validators"],
  service: ["pipeline", "manifest"],
  cli: ["pipeline", "manifest", "programs", "stages", "converters", "validators", "worker", "service"],
};

/** Folders that use npm packages; the others stand on Node alone. */
const PACKAGES = new Set(["manifest", "stages", "worker", "service", "cli"]);

/** Parts of `stages/` do not know each other, but for what lies in `stages/` itself and in these: formats, threads, Blocks. */
const SHARED_STAGES = new Set(["threads", "blocks", "tar"]);

interface Import {
  readonly from: string;
  readonly target: string;
}

/** Every `import`, `import type`, `export … from` and `import("…")` with a literal target. */
function importsOf({ path, text }: RepositoryFile): readonly Import[] {
  const code = text.replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, "");
  const pattern = /(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+|\bimport\.meta\.resolve\(\s*)"([^"]+)"/gm;
  return [...code.matchAll(pattern)].map(([, target = ""]) => ({ from: path, target }));
}

/** Why an import must not be, or undefined. */
function objection({ from, target }: Import): string | undefined {
  const folder = from.split("/")[0] ?? "";
  if (target.startsWith("node:")) return undefined;
  if (!target.startsWith(".")) {
    return PACKAGES.has(folder) ? undefined : `${folder}/ stands on Node alone, without npm packages`;
  }
  const to = posix.normalize(posix.join(posix.dirname(from), target));
  const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
  if (!allowed.some((one) => to.startsWith(`${one}/`))) {
    return `${folder}/ may import ${allowed.slice(1).join(", ") || "nothing but itself"}`;
  }
  if (folder !== "stages" || !to.startsWith("stages/")) return undefined;
  const [, ownPart] = from.split("/");
  const [, part = "", ...deeper] = to.split("/");
  if (deeper.length === 0 || part === ownPart || SHARED_STAGES.has(part)) return undefined;
  return "parts of stages/ meet in stages/ itself, not sideways";
}

test("source files import only what the table of folders allows", async (t) => {
  const folders = Object.keys(MAY_IMPORT);
  const files = await repositoryFiles(
    ...folders.map((folder) => `${folder}/**/*.ts`),
    ...folders.map((folder) => `${folder}/*.ts`),
  );
  const imports = files.flatMap(importsOf);
  t.log(`${files.length} files, ${imports.length} imports`);
  const objections = imports.flatMap((one) => {
    const why = objection(one);
    return why === undefined ? [] : [`${one.from} imports "${one.target}": ${why}`];
  });
  t.deepEqual(objections, []);
  t.true(files.length >= 20, `looked at ${files.length} files only`);
  t.true(imports.length >= files.length, `saw ${imports.length} imports only`);
});

test("importsOf() sees every way to import, and no comment", (t) => {
  const text = [
    'import { a } from "./a.ts";',
    'import type { B } from "./b.ts";',
    'import {\n  c,\n} from "./c.ts";',
    'export * from "./d.ts";',
    'import "./e.ts";',
    'const f = await import("./f.ts");',
    'const g = import.meta.resolve("./g.ts");',
    '// import { h } from "./h.ts";',
    ' * import { i } from "./i.ts";',
  ].join("\n");
  const targets = importsOf({ path: "cli/x.ts", text }).map(({ target }) => target);
  t.deepEqual(targets, ["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts", "./g.ts"]);
});

test("objection() names what is forbidden", (t) => {
  const forbidden = [
    { from: "pipeline/run.ts", target: "../stages/limit.ts" },
    { from: "pipeline/run.ts", target: "piscina" },
    { from: "stages/sources/http.ts", target: "../transforms/untar.ts" },
    { from: "converters/raw.ts", target: "../stages/sources/http.ts" },
    { from: "service/api.ts", target: "../worker/job.ts" },
    { from: "cli/main.ts", target: "../test/support/bytes.ts" },
  ];
  for (const one of forbidden) t.not(objection(one), undefined, `${one.from} → ${one.target}`);
  const allowed = [
    { from: "pipeline/run.ts", target: "node:fs" },
    { from: "stages/sources/s3.ts", target: "../s3-access.ts" },
    { from: "stages/sources/bundle.ts", target: "../threads/pool.ts" },
    { from: "converters/raw.ts", target: "../stages/blocks/file.ts" },
  ];
  for (const one of allowed) t.is(objection(one), undefined, `${one.from} → ${one.target}`);
});
