import { posix } from "node:path";
import test from "ava";
import manifest from "../package.json" with { type: "json" };
import { repositoryFiles, type RepositoryFile } from "./support/source-files.ts";

/** Past this a file holds two things, and the next reader has to find out which. */
const MAX_LINES = 400;

/** Folders whose files each have a test file of the same path. */
const TESTED = [
  "pipeline",
  "manifest",
  "programs",
  "stages",
  "converters",
  "validators",
  "worker",
  "service",
  "cli",
];

/** Files without a test of their own, each with the reason. */
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  "pipeline/contract.ts": "types only",
  "pipeline/thread-tasks.ts": "types only",
  "worker/digest-source.ts": "inspect-source.test.ts compares digests over every kind of storage",
  "worker/disk-bytes.ts": "resolve-source.test.ts reads every kind of storage through it",
  "worker/open-disk.ts": "resolve-source.test.ts opens what it resolved through it",
  "worker/spool.ts": "resolve-source.test.ts spools what it resolved",
};

/** Names what it looks for. */
const THIS_FILE = "test/housekeeping.test.ts";

/** A name that says nothing collects everything. */
const EMPTY_NAMES = /(^|[/.-])(utils?|helpers?|common|misc|manager)([/.-]|$)/;

const code = await repositoryFiles("*.ts", "*.mjs");
const everything = await repositoryFiles();

/** Fails when there was little to look at: a checker that saw nothing is green for ever. */
function enough(count: number, least: number): void {
  if (count < least) throw new Error(`Looked at ${count} files only: wanted ${least} or more`);
}

function linesOf({ text }: RepositoryFile): number {
  return text.split("\n").length - 1;
}

test(`no file has more than ${MAX_LINES} lines: split it by what its parts are about`, (t) => {
  enough(code.length, 40);
  t.deepEqual(
    code.filter((file) => linesOf(file) > MAX_LINES).map((file) => `${file.path}: ${linesOf(file)}`),
    [],
  );
});

test("no file or folder is called utils, helper, common, misc or manager: name what it does", (t) => {
  t.deepEqual(
    everything.map(({ path }) => path).filter((path) => EMPTY_NAMES.test(path)),
    [],
  );
});

test("every source file has its test file: what is untested is changed with fear", (t) => {
  const paths = new Set(code.map(({ path }) => path));
  const sources = [...paths].filter(
    (path) => TESTED.includes(path.split("/")[0] ?? "") && !path.endsWith(".d.ts"),
  );
  enough(sources.length, 20);
  const untested = sources.filter(
    (path) => TESTED_ELSEWHERE[path] === undefined && !isTypesOnly(path) && !paths.has(testOf(path)),
  );
  t.deepEqual(untested, []);
  const gone = Object.keys(TESTED_ELSEWHERE).filter((path) => !paths.has(path) || paths.has(testOf(path)));
  t.deepEqual(gone, [], "these exceptions are needed no more");
});

function testOf(path: string): string {
  return posix.join("test", path.replace(/\.ts$/, ".test.ts"));
}

/** Whether nothing of the file is left when types are stripped; such a file is tested by the compiler. */
function isTypesOnly(path: string): boolean {
  const text = code.find((file) => file.path === path)?.text ?? "";
  return (
    !/^\s*(export )?(async )?(function|const|let|class|await)\b/m.test(text) && !/^export (\*|\{)/m.test(text)
  );
}

test("every test file has its source file: a test without a subject misleads", (t) => {
  const paths = new Set(code.map(({ path }) => path));
  const orphans = [...paths].filter((path) => {
    const match = /^test\/((?:\w+\/)+.*)\.test\.ts$/.exec(path);
    const subject = match?.[1];
    if (subject === undefined || !TESTED.includes(subject.split("/")[0] ?? "")) return false;
    // `untar.sparse.test.ts` is more tests of `untar.ts`; `cli/end-to-end.test.ts` is of the folder.
    const [stem = ""] = posix.basename(subject).split(".");
    const folder = posix.dirname(subject);
    if (paths.has(`${subject}.ts`)) return false; // such as `tasks.thread.ts`
    return !paths.has(`${folder}/${stem}.ts`) && !["contract", "end-to-end", "index"].includes(stem);
  });
  t.deepEqual(orphans, []);
});

test("a note of work to do names its issue: the others are never done", (t) => {
  const pattern =
    /^\s*(?:\/\/|\*|\/\*|#).*\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))|\/\/ *(?:TODO|FIXME)\b(?!\(#\d+\))/m;
  const notes = code.filter(({ path }) => path !== THIS_FILE).filter(({ text }) => pattern.test(text));
  t.deepEqual(
    notes.map(({ path }) => path),
    [],
  );
});

test("no test is narrowed or left for later: the rest would not run, and nobody would see it", (t) => {
  const tests = code.filter(({ path }) => path.endsWith(".test.ts"));
  enough(tests.length, 10);
  const narrowed = tests.filter(({ text }) => /\btest(\.\w+)*\.(only|todo|failing)\(/.test(text));
  t.deepEqual(
    narrowed.map(({ path }) => path),
    [],
  );
});

test("no file names a registry, a mirror or a folder of one machine: it works nowhere else", (t) => {
  enough(everything.length, 60);
  const patterns = [
    /https?:\/\/[\w.-]*(?:registry|artifactory|nexus|verdaccio)[\w.-]*[:/]/i,
    /(?<![\w./-])\/(?:work|root|home|Users)\/\w/,
    /"resolved": *"http/,
  ];
  const found = everything
    .filter(({ path }) => path !== THIS_FILE)
    .flatMap(({ path, text }) =>
      patterns.flatMap((pattern) => {
        const match = pattern.exec(text);
        return match === null ? [] : [`${path}: ${match[0]}`];
      }),
    );
  t.deepEqual(found, []);
});

test("scripts that follow the set-up look Node up anew: the shell would start the old one again", (t) => {
  const after = Object.values(manifest.scripts).filter(
    (script) => script.includes("setup.mjs") && script.includes("&&"),
  );
  t.true(after.length >= 4);
  for (const script of after)
    t.regex(script, /^node scripts\/setup\.mjs( --[\w-]+)* && env node \S+\.ts( \w+)*$/);
});
