import test from "ava";
import { prefixView } from "../../../validators/container/image-view.ts";
import {
  firstOutside,
  firstOverlap,
  firstPlaceOutside,
  firstPlaceShared,
  readTable,
} from "../../../validators/container/regions.ts";

const region = (what: string, offset: number, length: number) => ({ what, offset, length });

test("firstOutside() allows a region up to the last byte and none past it", (t) => {
  t.is(firstOutside([region("a", 0, 10)], 10), undefined);
  t.is(
    firstOutside([region("a", 0, 5), region("b", 1, 10)], 10),
    "the b at byte 1 (10 bytes) is outside the file of 10 bytes",
  );
  t.not(firstOutside([region("a", 2 ** 64, 0)], 10), undefined);
});

test("firstOverlap() allows neighbours in any order and ignores what is empty", (t) => {
  t.is(firstOverlap([region("b", 5, 5), region("a", 0, 5), region("none", 3, 0)]), undefined);
  t.is(
    firstOverlap([region("b", 4, 5), region("a", 0, 5)]),
    "the a at byte 0 (5 bytes) and the b at byte 4 (5 bytes) overlap",
  );
});

test("firstPlaceShared() finds pieces that share a byte with each other or with a table", (t) => {
  const places = (...offsets: number[]) => ({ what: "block", lengthBytes: 4, offsets });
  t.is(firstPlaceShared(places(8, 0, 4), [region("table", 12, 4)]), undefined);
  t.is(firstPlaceShared(places(8, 0, 5), []), "two entries share the block at byte 8");
  t.is(
    firstPlaceShared(places(0, 4), [region("table", 7, 1)]),
    "the block at byte 4 and the table at byte 7 (1 bytes) overlap",
  );
  t.is(firstPlaceShared(places(0, 4), [region("table", 7, 0)]), undefined);
});

test("firstPlaceOutside() wants the last piece whole, or as much of it as it is told", (t) => {
  const places = { what: "block", lengthBytes: 4, offsets: [0, 8] };
  t.is(firstPlaceOutside(places, 12), undefined);
  t.is(firstPlaceOutside(places, 11), "the block at byte 8 is outside the file of 11 bytes");
  t.is(firstPlaceOutside(places, 11, 3), undefined);
});

test("readTable() reads whole entries, and nothing of a table that is not in the file", async (t) => {
  const view = prefixView(Buffer.from("0123456789"), 10);
  t.is((await readTable(view, region("table", 0, 7), 4)).toString(), "0123");
  t.is((await readTable(view, region("table", 2, 8), 8)).toString(), "23456789");
  t.is((await readTable(view, region("table", 2, 9), 8)).byteLength, 0);
});

test("readTable() reads no more than a quarter MiB", async (t) => {
  const view = prefixView(Buffer.alloc(300 * 1024));
  t.is((await readTable(view, region("table", 0, 300 * 1024), 4)).byteLength, 256 * 1024);
});
