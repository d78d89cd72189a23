// Which Debian package brings which outside program. Read by `setup.mjs` (any Node) and by `test/support/requires.ts`.

/** What diskferry itself and its demo call. @type {Readonly<Record<string, string>>} */
export const BASE_PROGRAMS = Object.freeze({
  "qemu-img": "qemu-utils",
  "qemu-nbd": "qemu-utils",
  xz: "xz-utils",
  bzip2: "bzip2",
  zstd: "zstd",
  openssl: "openssl",
  mke2fs: "e2fsprogs",
  sfdisk: "fdisk",
  prlimit: "util-linux",
  setpriv: "util-linux",
});

/** What only tests call: a real S3 server, makers of tables and file systems, a machine to boot in. @type {Readonly<Record<string, string>>} */
export const TEST_PROGRAMS = Object.freeze({
  radosgw: "radosgw",
  "radosgw-admin": "ceph-common",
  "ceph-mon": "ceph-mon",
  "ceph-osd": "ceph-osd",
  ceph: "ceph-common",
  monmaptool: "ceph-base",
  sgdisk: "gdisk",
  "mkfs.xfs": "xfsprogs",
  "mkfs.btrfs": "btrfs-progs",
  "mkfs.fat": "dosfstools",
  "mkfs.ntfs": "ntfs-3g",
  "mkfs.exfat": "exfatprogs",
  mkswap: "util-linux",
  cryptsetup: "cryptsetup-bin",
  xorriso: "xorriso",
  "qemu-system-x86_64": "qemu-system-x86",
});
