import { MessageChannel } from "node:worker_threads";
import { once } from "node:events";
import { createHash } from "node:crypto";
import test from "ava";
import { hashStream } from "../../../stages/threads/hash-stream.ts";

test("hashStream() hashes data and zeroes in order and gives the memory back", async (t) => {
  const { port1, port2 } = new MessageChannel();
  const memory = new SharedArrayBuffer(16);
  new Uint8Array(memory).fill(7);
  const returned = once(port1, "message");
  const hashing = hashStream({ port: port2, algorithm: "sha256" });
  port1.postMessage({ kind: "data", memory, lengthBytes: 10 });
  port1.postMessage({ kind: "zeroes", lengthBytes: 3 * 1024 * 1024 });
  port1.postMessage({ kind: "end" });
  const bytes = Buffer.concat([Buffer.alloc(10, 7), Buffer.alloc(3 * 1024 * 1024)]);
  t.is(await hashing, createHash("sha256").update(bytes).digest("hex"));
  t.is((await returned).length, 1);
});

test("hashStream() ends when the other side closes", async (t) => {
  const { port1, port2 } = new MessageChannel();
  const hashing = hashStream({ port: port2, algorithm: "sha1" });
  port1.close();
  t.is(await hashing, "");
});
