import test from "ava";
import { openError } from "../../programs/qemu-open-error.ts";

const image = { path: "/images/a", format: "vhdx" } as const;
const opening = `qemu-img: Could not open 'json:{"driver":"vhdx","file":{"driver":"file","filename":"/images/a"}}': `;

test("openError() tells a log to replay and a disk in use from damage", (t) => {
  const dirty = openError(image, `${opening}opened read-only, but contains a log that needs to be replayed`);
  t.is(dirty.code, "SOURCE_UNSUITABLE");
  t.regex(dirty.remedy ?? "", /qemu-img check -f vhdx -r all COPY/);
  const used = openError(
    image,
    `${opening}Failed to get shared "write" lock / Is another process using the image [/a]?`,
  );
  t.is(used.code, "SOURCE_UNSUITABLE");
  t.is(openError(image, "").code, "IMAGE_CORRUPT");
});

test("openError() gives qemu's words with the path in place of its block node", (t) => {
  const { message } = openError(image, `${opening}Signature mismatch`);
  t.is(message, `Cannot open "/images/a" as vhdx: qemu-img: Could not open "/images/a": Signature mismatch`);
});
