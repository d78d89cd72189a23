import { mkdir, writeFile } from "node:fs/promises";
import { makeOpensslBundle, type OpensslBundle } from "../../fixtures/bundle-by-openssl.ts";
import { testIdentity } from "../../fixtures/keys.ts";
import { seededDisk } from "../../fixtures/seeded.ts";
import { temporaryFolder } from "./folder.ts";

/** What the chain of {@link makeOpensslBundle} calls: tests say `requires(...BUNDLE_PROGRAMS)`. */
export const BUNDLE_PROGRAMS = ["openssl", "tar", "gzip", "split", "bash"] as const;

export interface TestBundle extends AsyncDisposable {
  readonly disk: Buffer;
  /** Where manifest and parts are. */
  readonly folder: string;
  readonly bundle: OpensslBundle;
  readonly keyPath: string;
  readonly otherKeyPath: string;
  readonly certificatePath: string;
  readonly otherCertificatePath: string;
  /** A path beside the bundle's folder. */
  file(name: string): string;
}

/** A disk `disk.img`, bundled by outside programs in small parts for the identity "user", and signed by it. */
export async function opensslBundle(diskBytes = 3 * 1024 * 1024): Promise<TestBundle> {
  const folder = await temporaryFolder();
  const user = await testIdentity("user");
  const other = await testIdentity("other");
  const disk = seededDisk("bundle", { sizeBytes: diskBytes });
  await writeFile(folder.file("disk.img"), disk);
  await mkdir(folder.file("bundle"));
  const bundle = await makeOpensslBundle({
    image: folder.file("disk.img"),
    folder: folder.file("bundle"),
    partSizeBytes: 200_000,
    keys: { user, cloud: other, signer: user },
  });
  const stranger = await testIdentity("stranger");
  return {
    disk,
    folder: folder.file("bundle"),
    bundle,
    keyPath: user.keyPath,
    otherKeyPath: stranger.keyPath,
    certificatePath: user.certificatePath,
    otherCertificatePath: stranger.certificatePath,
    file: (name) => folder.file(name),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
