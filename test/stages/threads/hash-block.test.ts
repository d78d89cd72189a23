import test from "ava";
import { seededBytes } from "../../../fixtures/seeded.ts";
import { hashLeaf } from "../../../pipeline/disk-digest.ts";
import { hashBlock } from "../../../stages/threads/hash-block.ts";

test("hashBlock() is hashLeaf() of the first bytes in shared memory", (t) => {
  const memory = new SharedArrayBuffer(1000);
  const content = seededBytes("leaf", 1000);
  new Uint8Array(memory).set(content);
  for (const lengthBytes of [0, 1, 999, 1000]) {
    t.deepEqual(hashBlock({ memory, lengthBytes }), hashLeaf(content.subarray(0, lengthBytes)));
  }
});
