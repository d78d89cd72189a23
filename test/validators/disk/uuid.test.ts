import test from "ava";
import { guidText, uuidText } from "../../../validators/disk/uuid.ts";

const BYTES = Uint8Array.from({ length: 16 }, (_, index) => index * 17);

test("uuidText() writes bytes in their order", (t) => {
  t.is(uuidText(BYTES), "00112233-4455-6677-8899-aabbccddeeff");
});

test("guidText() turns the first three fields round, and leaves its argument as it was", (t) => {
  t.is(guidText(BYTES), "33221100-5544-7766-8899-aabbccddeeff");
  t.is(BYTES[1], 17);
});
