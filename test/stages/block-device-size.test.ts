import { readdir, readFile } from "node:fs/promises";
import test from "ava";
import { blockDeviceBytes, hasFastZeroes } from "../../stages/block-device-size.ts";

const devices = await readdir("/sys/dev/block").catch(() => []);

(devices.length > 0 ? test : test.skip)(
  "blockDeviceBytes() agrees with sysfs for every device of this machine",
  async (t) => {
    for (const name of devices) {
      const [major = 0n, minor = 0n] = name.split(":").map(BigInt);
      // As glibc's gnu_dev_makedev puts the two together.
      const rdev =
        (minor & 0xffn) | ((major & 0xfffn) << 8n) | ((minor & ~0xffn) << 12n) | ((major & ~0xfffn) << 32n);
      const sectors = Number(await readFile(`/sys/dev/block/${name}/size`, "utf8"));
      t.is(await blockDeviceBytes(rdev), sectors * 512, name);
      t.is(typeof (await hasFastZeroes(rdev)), "boolean");
    }
  },
);

test("blockDeviceBytes() rejects for a device that there is not, and hasFastZeroes() then says no", async (t) => {
  const rdev = (0xfffn << 8n) | 0xffn;
  await t.throwsAsync(blockDeviceBytes(rdev), { code: "ENOENT" });
  t.false(await hasFastZeroes(rdev));
});
