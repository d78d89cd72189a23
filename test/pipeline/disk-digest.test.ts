import { createHash } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { seededBytes } from "../../fixtures/seeded.ts";
import {
  DIGEST_BLOCK_BYTES,
  diskDigester,
  hashLeaf,
  leafTree,
  zeroLeaf,
} from "../../pipeline/disk-digest.ts";
import { chunked } from "../support/bytes.ts";
import { testContext } from "../support/context.ts";
import { hashingThreads } from "../support/hashing-threads.ts";

const sha256 = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest();

/** The definition of RFC 6962 section 2.1, written as it stands there. */
function recursiveTreeHash(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return Buffer.from(leaves[0]!);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(
    Uint8Array.of(1),
    recursiveTreeHash(leaves.slice(0, split)),
    recursiveTreeHash(leaves.slice(split)),
  );
}

function root(leaves: readonly Uint8Array[], sizeBytes: number): string {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(sizeBytes));
  return sha256(Uint8Array.of(2), size, recursiveTreeHash(leaves)).toString("hex");
}

test("leafTree() equals the recursive definition of RFC 6962 for any number of leaves", (t) => {
  for (let count = 0; count <= 70; count++) {
    const leaves = Array.from({ length: count }, (_, index) => sha256(Buffer.from(String(index))));
    const tree = leafTree();
    for (const leaf of leaves) tree.push(leaf);
    t.is(tree.digest(count * 7), root(leaves, count * 7), `${count} leaves`);
  }
});

test("zeroLeaf() is the leaf of a block of zeroes", (t) => {
  for (const lengthBytes of [1, 512, DIGEST_BLOCK_BYTES]) {
    t.deepEqual(zeroLeaf(lengthBytes), sha256(Uint8Array.of(0), new Uint8Array(lengthBytes)));
  }
});

async function digestOf(disk: Uint8Array, chunkBytes: number) {
  const digester = diskDigester(testContext({ threads: hashingThreads }));
  for await (const chunk of chunked(disk, chunkBytes)) await digester.update(chunk);
  return await digester.finish();
}

for (const [title, sizeBytes] of [
  ["one block less a byte", DIGEST_BLOCK_BYTES - 1],
  ["one block", DIGEST_BLOCK_BYTES],
  ["one block and a byte", DIGEST_BLOCK_BYTES + 1],
  ["nothing", 0],
  ["five blocks, two of them zero", 5 * DIGEST_BLOCK_BYTES],
] as const) {
  test(`diskDigester() gives the digest of ${title}, whatever the chunks`, async (t) => {
    const disk = seededBytes(title, sizeBytes);
    if (sizeBytes > 2 * DIGEST_BLOCK_BYTES)
      disk.fill(0, DIGEST_BLOCK_BYTES + 100, 4 * DIGEST_BLOCK_BYTES - 3);
    const leaves: Buffer[] = [];
    for (let at = 0; at < sizeBytes; at += DIGEST_BLOCK_BYTES) {
      leaves.push(hashLeaf(disk.subarray(at, at + DIGEST_BLOCK_BYTES)));
    }
    const wanted = { digest: root(leaves, sizeBytes), sizeBytes };
    for (const chunkBytes of [65_536, 999_983, DIGEST_BLOCK_BYTES, 3 * DIGEST_BLOCK_BYTES + 1]) {
      t.deepEqual(await digestOf(disk, chunkBytes), wanted);
    }
  });
}

test("diskDigester() tells disks apart that differ in one bit or in their size", async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(DIGEST_BLOCK_BYTES), fc.nat(7), async (at, bit) => {
      const disk = new Uint8Array(DIGEST_BLOCK_BYTES + 1);
      const before = (await digestOf(disk, DIGEST_BLOCK_BYTES)).digest;
      t.not((await digestOf(disk.subarray(1), DIGEST_BLOCK_BYTES)).digest, before);
      disk[at] = 1 << bit;
      t.not((await digestOf(disk, DIGEST_BLOCK_BYTES)).digest, before);
    }),
    { numRuns: 10 },
  );
});

test("diskDigester() reports the failure of a thread from update() or finish()", async (t) => {
  const threads = {
    count: 1,
    hasSpare: false,
    run: async () => {
      throw new Error("thread died");
    },
  };
  const digester = diskDigester(testContext({ threads }));
  await t.throwsAsync(
    async () => {
      await digester.update(seededBytes("x", DIGEST_BLOCK_BYTES));
      await digester.finish();
    },
    { message: "thread died" },
  );
});
