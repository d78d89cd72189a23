import { appendFile, cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ErrorCode } from "../../pipeline/errors.ts";
import ava from "ava";
import { defined } from "../../pipeline/defined.ts";
import { refuses } from "../support/bad-input.ts";
import { BUNDLE_PROGRAMS, opensslBundle, type TestBundle } from "../support/openssl-bundle.ts";
import { requires } from "../support/requires.ts";

const test = requires(...BUNDLE_PROGRAMS);

interface BadBundle {
  readonly title: string;
  readonly code: ErrorCode;
  readonly says?: RegExp;
  /** What is done to a good one. */
  readonly spoil?: (bundle: TestBundle) => Promise<void>;
  /** Default: the right key. */
  readonly flags?: (bundle: TestBundle) => readonly string[];
}

// A cache: making it takes a dozen programs.
let good: Promise<TestBundle> | undefined;

ava.after.always("remove the good bundle", async () => (await good)?.[Symbol.asyncDispose]());

async function copyOfGood(folder: string): Promise<TestBundle> {
  const made = await (good ??= opensslBundle(2 * 1024 * 1024));
  await cp(made.folder, folder, { recursive: true });
  const manifestPath = join(folder, basename(made.bundle.manifestPath));
  return { ...made, folder, bundle: { ...made.bundle, manifestPath } };
}

const part = ({ folder, bundle }: TestBundle, index: number) => join(folder, bundle.partNames.at(index)!);

/** Rewrites the manifest; what is not found is a mistake of the test. */
function edit(pattern: RegExp | string, replacement: string): (bundle: TestBundle) => Promise<void> {
  return async ({ bundle }) => {
    const text = await readFile(bundle.manifestPath, "utf8");
    const edited = text.replace(pattern, replacement);
    if (edited === text) throw new Error(`Cannot find ${String(pattern)} in the manifest`);
    await writeFile(bundle.manifestPath, edited);
  };
}

/** As many as the issue names, in the shape of euca2ools. */
async function millionParts({ bundle }: TestBundle): Promise<void> {
  const text = await readFile(bundle.manifestPath, "utf8");
  const one = (index: number) =>
    `<part index="${index}"><filename>p.${index}</filename><digest algorithm="SHA1">${"0".repeat(40)}</digest></part>`;
  const parts = Array.from({ length: 1_000_000 }, (_, index) => one(index)).join("");
  await writeFile(
    bundle.manifestPath,
    text.replace(/<parts count="\d+">.*<\/parts>/s, `<parts count="1000000">${parts}</parts>`),
  );
}

const BAD: readonly BadBundle[] = [
  {
    title: "with the wrong key",
    code: "KEY_MISMATCH",
    flags: ({ otherKeyPath }) => ["--key", otherKeyPath],
  },
  {
    title: "without a key",
    code: "ARGUMENT_INVALID",
    says: /--key|-k /,
    flags: () => [],
  },
  {
    title: "with a key file that holds none",
    code: "KEY_INVALID",
    flags: ({ certificatePath }) => ["--key", certificatePath],
  },
  {
    title: "with the wrong certificate",
    code: "SIGNATURE_INVALID",
    flags: ({ keyPath, otherCertificatePath }) => [
      "--key",
      keyPath,
      "--verify-signature",
      otherCertificatePath,
    ],
  },
  {
    title: "whose signed manifest was changed",
    code: "SIGNATURE_INVALID",
    spoil: edit("<image><name>", "<image><name>another"),
    flags: ({ keyPath, certificatePath }) => ["--key", keyPath, "--verify-signature", certificatePath],
  },
  {
    title: "with a damaged part",
    code: "CHECKSUM_MISMATCH",
    says: /part\.01/,
    async spoil(bundle) {
      const content = await readFile(part(bundle, 1));
      content[77] = content[77]! ^ 1;
      await writeFile(part(bundle, 1), content);
    },
  },
  {
    title: "with a missing part",
    code: "SOURCE_NOT_FOUND",
    says: /part\.01/,
    spoil: (bundle) => rm(part(bundle, 1)),
  },
  {
    title: "with a part listed twice",
    code: "MANIFEST_INVALID",
    says: /listed twice/,
    spoil: edit(/(<part index=["']0["']>.*?<\/part>)/s, "$1$1"),
  },
  {
    title: "with a truncated last part",
    code: "CHECKSUM_MISMATCH",
    spoil: (bundle) => truncate(part(bundle, -1), 1000),
  },
  {
    title: "with garbage behind its last part",
    code: "CHECKSUM_MISMATCH",
    spoil: (bundle) => appendFile(part(bundle, -1), "garbage"),
  },
  {
    title: "whose tar has another digest",
    code: "CHECKSUM_MISMATCH",
    spoil: edit(/(?<=<image>.*<digest algorithm=["']SHA1["']>)[0-9a-f]{40}/s, "0".repeat(40)),
  },
  {
    title: "whose image is larger than stated",
    code: "SIZE_MISMATCH",
    spoil: edit(/<size>\d+/, "<size>512"),
  },
  {
    title: "whose image is smaller than stated",
    code: "SIZE_MISMATCH",
    spoil: edit(/<size>\d+/, "<size>99999744"),
  },
  {
    title: "whose manifest is cut in half",
    code: "MANIFEST_INVALID",
    async spoil({ bundle }) {
      const text = await readFile(bundle.manifestPath);
      await writeFile(bundle.manifestPath, text.subarray(0, text.byteLength / 2));
    },
  },
  {
    title: "whose manifest is empty",
    code: "MANIFEST_INVALID",
    spoil: ({ bundle }) => writeFile(bundle.manifestPath, ""),
  },
  { title: "with a million parts", code: "MANIFEST_TOO_LARGE", spoil: millionParts },
  {
    title: "with a part of a name that leads elsewhere",
    code: "MANIFEST_INVALID",
    spoil: edit(/<filename>[^<]*/, "<filename>../../../etc/passwd"),
  },
];

for (const command of ["convert", "unbundle"] as const) {
  for (const { title, code, says, spoil, flags } of BAD) {
    if (command === "unbundle" && spoil === millionParts) continue; // the same parser, and seconds
    refuses(test, {
      title: `${command} of a bundle ${title}`,
      code,
      ...defined({ says }),
      async arrange(folder) {
        const made = await copyOfGood(folder.file("bundle"));
        await spoil?.(made);
        const key = flags?.(made) ?? ["--key", made.keyPath];
        const manifest = made.bundle.manifestPath;
        const out = folder.file("out.raw");
        if (command === "convert") return ["convert", manifest, out, ...key];
        const flag = key.map((word) => word.replace("--key", "-k"));
        return ["unbundle", "-m", manifest, "-s", folder.file("bundle"), "-d", out, ...flag];
      },
    });
  }
}
