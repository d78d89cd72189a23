import test from "ava";
import { gptTypeName, mbrTypeName } from "../../../validators/disk/partition-types.ts";

test("mbrTypeName() and gptTypeName() name what is on every second disk, and admit what they do not know", (t) => {
  t.is(mbrTypeName(0x83), "Linux");
  t.is(mbrTypeName(0xee), "GPT protective");
  t.is(mbrTypeName(0x77), "unknown");
  t.is(gptTypeName("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"), "EFI system");
  t.is(gptTypeName("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"), "Microsoft basic data");
  t.is(gptTypeName("00000000-0000-0000-0000-000000000001"), "unknown");
});
