import { Readable } from "node:stream";
import test from "ava";
import { openLocation } from "../../worker/access.ts";
import { parseLocation } from "../../worker/location.ts";
import { collect } from "../support/bytes.ts";
import { localAccess } from "../support/conversions.ts";
import { testContext } from "../support/context.ts";

for (const [text, name] of [
  ["disk.raw", "disk.raw"],
  ["-", "-"],
  ["https://user:secret@host/disk.raw?X-Amz-Signature=secret", "https://host/disk.raw"],
  ["s3://bucket/disk.raw", "s3://bucket/disk.raw"],
] as const) {
  test(`openLocation() opens nothing of ${name} yet and gives it a name without secrets`, (t) => {
    t.is(openLocation(parseLocation(text), localAccess()).name, name);
  });
}

test("openLocation() reads a pipe from the input it is given", async (t) => {
  const access = localAccess({ input: Readable.from([Buffer.from("from a pipe")]) });
  t.is(
    (await collect(openLocation({ kind: "pipe" }, access).bytes(testContext()))).toString(),
    "from a pipe",
  );
});
