import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DUMMY_BAIT } from "../fixtures/hostile/attack.ts";
import { GOOD_IMAGES } from "../fixtures/hostile/good/index.ts";
import { ATTACKS } from "../fixtures/hostile/index.ts";
import { tarOf } from "../fixtures/hostile/tar.ts";
import { parseBundleManifest } from "../manifest/bundle.ts";
import { parseDownloadManifest } from "../manifest/download.ts";
import { parseImportManifest } from "../manifest/import.ts";
import { parseResultManifest } from "../manifest/result.ts";
import { parseXml } from "../manifest/xml.ts";
import { DEFAULT_LIMITS } from "../pipeline/context.ts";
import type { Bytes } from "../pipeline/contract.ts";
import { untar } from "../stages/transforms/untar.ts";
import { testContext } from "../test/support/context.ts";
import { prefixView } from "../validators/container/image-view.ts";
import { inspectContainer } from "../validators/container/inspect-container.ts";
import { parseVmdkDescriptor } from "../validators/container/vmdk-descriptor.ts";
import { ROOT } from "./program.ts";

/** A parser under fire. */
export interface FuzzTarget {
  /** Of all executions; the inspector meets the most hostile bytes. */
  readonly share: number;
  /** What is damaged; they are given back as they were. */
  readonly bases: readonly Buffer[];
  /** May throw ImportError and nothing else. */
  readonly run: (input: Buffer) => Promise<unknown>;
}

/** Attacks larger than this take their time in memory, not in parsers. */
const MAX_BASE_BYTES = 512 * 1024;

/** Every parser that reads what strangers wrote. */
export async function fuzzTargets(): Promise<Readonly<Record<string, FuzzTarget>>> {
  const manifests = await Promise.all(
    [
      "bundle-euca2ools-3.xml",
      "bundle-ec2-ami-tools.xml",
      "import-aws-tools.xml",
      "import-euca2ools.xml",
      "download-bundle.xml",
      "download-raw.xml",
    ].map((name) => readFile(join(ROOT, "fixtures", "manifests", name))),
  );
  const attacks = ATTACKS.map(({ make }) => make(DUMMY_BAIT)).filter(
    ({ byteLength }) => byteLength <= MAX_BASE_BYTES,
  );
  const context = testContext();
  const descriptors = manifests.map((text) => Buffer.from(text)).filter(({ byteLength }) => byteLength > 16);
  const parser = (share: number, parse: (text: Buffer) => unknown): FuzzTarget => ({
    share,
    bases: descriptors,
    run: (input) => Promise.resolve(input).then(parse),
  });
  return {
    inspector: {
      share: 0.6,
      bases: [...GOOD_IMAGES.map(({ make }) => make()), ...attacks],
      async run(input) {
        await inspectContainer(prefixView(input, input.byteLength), { limits: DEFAULT_LIMITS });
      },
    },
    "vmdk-descriptor": {
      share: 0.1,
      bases: [
        Buffer.from(
          '# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="x"\nRW 1 SPARSE "a"\n',
        ),
      ],
      run: (input) => Promise.resolve(parseVmdkDescriptor(input)),
    },
    xml: parser(0.1, (text) => parseXml(text)),
    "bundle-manifest": parser(0.05, (text) => parseBundleManifest(text)),
    "import-manifest": parser(0.05, (text) => parseImportManifest(text)),
    "download-manifest": parser(0.03, (text) => parseDownloadManifest(text)),
    "result-manifest": {
      share: 0.02,
      bases: [
        Buffer.from(
          '{"schemaVersion":1,"tool":{"name":"diskferry","version":"1"},"result":{"format":"raw"}}',
        ),
      ],
      run: (input) => Promise.resolve(input).then(parseResultManifest),
    },
    untar: {
      share: 0.05,
      bases: [tarOf("disk.raw", Buffer.alloc(1024, 0x61)), tarOf("x".repeat(99), Buffer.alloc(0))],
      async run(input) {
        for await (const chunk of untar().transform(once(input), context)) void chunk;
      },
    },
  };
}

async function* once(bytes: Buffer): Bytes {
  yield bytes;
}
