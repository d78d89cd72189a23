import test from "ava";
import { imageNode } from "../../programs/qemu-node.ts";

const parsed = (node: string): unknown => JSON.parse(node.replace(/^json:/, ""));

test("imageNode() names driver and protocol, and an absolute path", (t) => {
  const file = { driver: "file", filename: `${process.cwd()}/a,b:c"d` };
  t.deepEqual(parsed(imageNode({ path: `a,b:c"d`, format: "vhd" })), { driver: "vpc", file });
});

test("imageNode() shuts out a qcow2's backing file, and only there", (t) => {
  t.like(parsed(imageNode({ path: "/x", format: "qcow2" })), { backing: null });
  t.false(imageNode({ path: "/x", format: "raw" }).includes("backing"));
});

test("imageNode() bounds a raw image where a size is given", (t) => {
  t.like(parsed(imageNode({ path: "/x", format: "raw", sizeBytes: 512 })), { driver: "raw", size: 512 });
});
