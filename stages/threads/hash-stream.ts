import { createHash } from "node:crypto";
import { on } from "node:events";
import type { HashMessage, ThreadInput, ThreadOutput } from "../../pipeline/thread-tasks.ts";
import { zeroes } from "../../pipeline/zero.ts";

/** Hashes what comes through the port until its end is told, and gives each piece of memory back; see `stream-hash.ts`. */
export async function hashStream({
  port,
  algorithm,
}: ThreadInput<"hashStream">): Promise<ThreadOutput<"hashStream">> {
  const hash = createHash(algorithm);
  try {
    for await (const event of on(port, "message", { close: ["close"] })) {
      const message: HashMessage = event[0];
      if (message.kind === "end") return hash.digest("hex");
      if (message.kind === "zeroes") {
        for (const chunk of zeroes(message.lengthBytes)) hash.update(chunk);
      } else {
        hash.update(new Uint8Array(message.memory, 0, message.lengthBytes));
        port.postMessage(message.memory);
      }
    }
    return ""; // the other side is gone and nobody asks
  } finally {
    port.close();
  }
}
