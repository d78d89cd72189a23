import test from "ava";
import fc from "fast-check";
import { getEventListeners, once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededBytes, seededDisk } from "../../../../fixtures/seeded.ts";
import { ImportError, type ErrorCode } from "../../../../pipeline/errors.ts";
import { serveDisk } from "../../../../programs/qemu-nbd.ts";
import { nbdBlocks } from "../../../../stages/blocks/nbd/client.ts";
import { COMMAND, REPLY } from "../../../../stages/blocks/nbd/protocol.ts";
import { testContext } from "../../../support/context.ts";
import { failure } from "../../../support/errors.ts";
import {
  type SeenRequest,
  type ServerOptions,
  chunkReply,
  dataReply,
  holeReply,
  scriptedServer,
  simpleReply,
  statusReply,
  u16,
  u32,
} from "../../../support/nbd-server.ts";
import { requires } from "../../../support/requires.ts";

const PROPERTY_RUNS = Number(process.env.PROPERTY_RUNS ?? 30);
const CONTENT = seededBytes("nbd", 1024 ** 2);
const context = () => testContext();

/** Connects to a server that answers as `answer` says, and gives what `work` of the blocks gives. */
async function withServer<T>(
  options: ServerOptions,
  work: (blocks: Awaited<ReturnType<typeof nbdBlocks>>) => Promise<T>,
): Promise<T> {
  await using server = await scriptedServer(options);
  await using blocks = await nbdBlocks({ socketPath: server.socketPath, exportName: "disk" }, context());
  return await work(blocks);
}

const read =
  (offset: number, lengthBytes: number) => async (blocks: Awaited<ReturnType<typeof nbdBlocks>>) => {
    const into = Buffer.alloc(lengthBytes, 0xee);
    await blocks.read(offset, into, context());
    return into;
  };

const contentOf = ({ offset, lengthBytes }: SeenRequest) => CONTENT.subarray(offset, offset + lengthBytes);

test("nbdBlocks() reads simple replies that come in reverse order", async (t) => {
  const held: Buffer[] = [];
  const into = await withServer(
    {
      structured: false,
      answer(request, socket) {
        held.unshift(simpleReply(request.cookie, 0, contentOf(request)));
        if (held.length === 3) socket.write(Buffer.concat(held));
      },
    },
    read(100, 3 * 256 * 1024),
  );
  t.true(into.equals(CONTENT.subarray(100, 100 + 3 * 256 * 1024)));
});

test("nbdBlocks() puts together data and holes that come out of order, byte by byte", async (t) => {
  const into = await withServer(
    {
      answer({ cookie, offset }, socket) {
        const whole = Buffer.concat([
          dataReply(cookie, offset + 60, Buffer.from("end!"), 0),
          holeReply(cookie, offset + 10, 50, 0),
          chunkReply(cookie, REPLY.none, Buffer.alloc(0), 0),
          dataReply(cookie, offset, Buffer.from("0123456789"), 1),
        ]);
        for (const byte of whole) socket.write(Buffer.of(byte));
      },
    },
    read(5, 64),
  );
  t.is(into.toString("latin1"), `0123456789${"\0".repeat(50)}end!`);
});

test("nbdBlocks() keeps to the server's block sizes", async (t) => {
  const seen: SeenRequest[] = [];
  const into = await withServer(
    {
      blockSizes: [512, 4096],
      answer(request, socket) {
        seen.push(request);
        socket.write(dataReply(request.cookie, request.offset, contentOf(request)));
      },
    },
    read(1000, 10_000),
  );
  t.true(into.equals(CONTENT.subarray(1000, 11_000)));
  t.deepEqual(
    seen.map(({ offset, lengthBytes }) => [offset, lengthBytes]),
    [
      [512, 4096],
      [4608, 4096],
      [8704, 2560],
    ],
  );
});

test("nbdBlocks() joins the runs of several block status replies, and clips the last", async (t) => {
  const replies: (readonly (readonly [number, number])[])[] = [
    [
      [100, 0],
      [200, 3],
    ],
    [
      [50, 2],
      [10, 1],
    ],
    [[2 ** 31, 0]],
  ];
  const extents = await withServer(
    { answer: ({ cookie }, socket) => void socket.write(statusReply(cookie, replies.shift() ?? [])) },
    (blocks) => Array.fromAsync(blocks.extents(10, 990, context())),
  );
  t.deepEqual(extents, [
    { offset: 10, length: 100, kind: "data" },
    { offset: 110, length: 250, kind: "zero" },
    { offset: 360, length: 640, kind: "data" }, // a hole without ZERO may hold anything
  ]);
});

test("nbdBlocks() calls everything data where the server has no allocation map", async (t) => {
  const extents = await withServer({ structured: false }, (blocks) =>
    Array.fromAsync(blocks.extents(10, 20, context())),
  );
  t.deepEqual(extents, [{ offset: 10, length: 20, kind: "data" }]);
});

const MALFORMED: readonly (readonly [string, (request: SeenRequest) => Uint8Array, ErrorCode])[] = [
  ["no reply magic", () => Buffer.alloc(16, 1), "PROGRAM_FAILED"],
  ["a cookie nobody gave", ({ offset }) => dataReply(999n, offset, Buffer.alloc(64)), "PROGRAM_FAILED"],
  [
    "a simple reply in place of a structured one",
    ({ cookie }) => simpleReply(cookie, 0, Buffer.alloc(64)),
    "PROGRAM_FAILED",
  ],
  [
    "data before the request",
    ({ cookie, offset }) => dataReply(cookie, offset - 1, Buffer.alloc(64)),
    "PROGRAM_FAILED",
  ],
  [
    "data past the request",
    ({ cookie, offset }) => dataReply(cookie, offset, Buffer.alloc(65)),
    "PROGRAM_FAILED",
  ],
  [
    "data that says it is 4 GiB",
    ({ cookie }) => chunkReply(cookie, 1, Buffer.alloc(8)).fill(0xff, 16, 20),
    "PROGRAM_FAILED",
  ],
  [
    "data at an offset past 2^53",
    ({ cookie }) => chunkReply(cookie, 1, Buffer.alloc(72, 0xff)),
    "PROGRAM_FAILED",
  ],
  ["data without bytes", ({ cookie }) => chunkReply(cookie, 1, Buffer.alloc(8)), "PROGRAM_FAILED"],
  [
    "an end before all bytes came",
    ({ cookie, offset }) => dataReply(cookie, offset, Buffer.alloc(63)),
    "PROGRAM_FAILED",
  ],
  [
    "the same bytes twice",
    ({ cookie, offset }) =>
      Buffer.concat([
        dataReply(cookie, offset, Buffer.alloc(32), 0),
        dataReply(cookie, offset + 31, Buffer.alloc(32)),
      ]),
    "PROGRAM_FAILED",
  ],
  [
    "a hole past the request",
    ({ cookie, offset }) => holeReply(cookie, offset, 2 ** 32 - 1),
    "PROGRAM_FAILED",
  ],
  ["an empty hole", ({ cookie, offset }) => holeReply(cookie, offset, 0), "PROGRAM_FAILED"],
  ["a hole of odd length", ({ cookie }) => chunkReply(cookie, 2, Buffer.alloc(11)), "PROGRAM_FAILED"],
  ["a block status for a read", ({ cookie }) => statusReply(cookie, [[64, 0]]), "PROGRAM_FAILED"],
  [
    "a chunk type that there is not",
    ({ cookie }) => chunkReply(cookie, 99, Buffer.alloc(1)),
    "PROGRAM_FAILED",
  ],
  ["a payload where none is due", ({ cookie }) => chunkReply(cookie, 0, Buffer.alloc(1)), "PROGRAM_FAILED"],
  [
    "an error without fields",
    ({ cookie }) => chunkReply(cookie, 2 ** 15 + 1, Buffer.alloc(3)),
    "PROGRAM_FAILED",
  ],
  [
    "EIO",
    ({ cookie }) => chunkReply(cookie, 2 ** 15 + 1, Buffer.concat([u32(5), u16(3), Buffer.from("bad")])),
    "IMAGE_CORRUPT",
  ],
  [
    "ENOMEM",
    ({ cookie }) => chunkReply(cookie, 2 ** 15 + 2, Buffer.concat([u32(12), u16(0), Buffer.alloc(8)])),
    "PROGRAM_FAILED",
  ],
];

for (const [what, reply, code] of MALFORMED) {
  test(`nbdBlocks() fails with ${code} when the server sends ${what}, and hangs up`, async (t) => {
    await using server = await scriptedServer({
      answer: (request, socket) => void (request.command === COMMAND.read && socket.write(reply(request))),
    });
    await using blocks = await nbdBlocks({ socketPath: server.socketPath, exportName: "disk" }, context());
    const error = await failure(() => blocks.read(4096, Buffer.alloc(64), context()));
    t.is(error.code, code);
    t.regex(error.message, /"disk"/);
  });
}

const BAD_STATUS: readonly (readonly [string, (cookie: bigint) => Uint8Array])[] = [
  ["an empty run", (cookie) => statusReply(cookie, [[0, 0]])],
  ["no runs", (cookie) => statusReply(cookie, [])],
  ["another context's runs", (cookie) => statusReply(cookie, [[64, 0]], 8)],
  ["half a run", (cookie) => chunkReply(cookie, REPLY.blockStatus, Buffer.alloc(9))],
  ["4 GiB of runs", (cookie) => chunkReply(cookie, REPLY.blockStatus, Buffer.alloc(12)).fill(0xff, 16, 20)],
  ["data", (cookie) => dataReply(cookie, 0, Buffer.alloc(64))],
  ["nothing but an end", (cookie) => chunkReply(cookie, REPLY.none, Buffer.alloc(0))],
];

for (const [what, reply] of BAD_STATUS) {
  test(`nbdBlocks() fails with PROGRAM_FAILED when the server answers a block status with ${what}`, async (t) => {
    const options: ServerOptions = { answer: ({ cookie }, socket) => void socket.write(reply(cookie)) };
    const error = await failure(() =>
      withServer(options, (blocks) => Array.fromAsync(blocks.extents(0, 64, context()))),
    );
    t.is(error.code, "PROGRAM_FAILED");
  });
}

test("nbdBlocks() throws nothing but coded errors, and ends, whatever a server sends as a reply", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }),
      fc.integer(),
      async (parts, seed) => {
        const options: ServerOptions = {
          answer({ cookie, offset }, socket) {
            // Half of the replies begin well, so that the inner checks are reached as well.
            for (const [index, part] of parts.entries()) {
              const type = Math.abs(seed + index) % 8;
              socket.write(
                index % 2 === 0
                  ? part
                  : chunkReply(cookie, type, Buffer.concat([Buffer.alloc(6), u16(offset), part]), 0),
              );
            }
            socket.end();
          },
        };
        await withServer(options, async (blocks) => {
          const errors = await Promise.all([
            t.throwsAsync(blocks.read(0, Buffer.alloc(100), context()), { instanceOf: ImportError }),
            t.throwsAsync(Array.fromAsync(blocks.extents(0, 100, context())), { instanceOf: ImportError }),
          ]);
          t.is(errors.length, 2);
        });
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
});

test("nbdBlocks() throws nothing but coded errors for any greeting", async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.boolean(), async (bytes, isPlausible) => {
      const start = Buffer.from("4e42444d4147494349484156454f50540003", "hex");
      await using server = await scriptedServer({
        greeting: isPlausible ? Buffer.concat([start, bytes]) : bytes,
      });
      const opening = nbdBlocks({ socketPath: server.socketPath, exportName: "disk" }, context());
      t.is((await failure(() => opening)).code, "PROGRAM_FAILED");
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

for (const [what, options] of [
  ["a size past 2^53", { sizeBytes: 2 ** 60 }],
  ["block sizes that are no power of two", { blockSizes: [513, 4096] }],
  ["a largest block below the smallest", { blockSizes: [512, 256] }],
] as const) {
  test(`nbdBlocks() fails with PROGRAM_FAILED for ${what}`, async (t) => {
    t.is((await failure(() => withServer(options, read(0, 1)))).code, "PROGRAM_FAILED");
  });
}

test("nbdBlocks() fails with SOURCE_TRUNCATED past the end, without asking", async (t) => {
  const options: ServerOptions = { sizeBytes: 1000, answer: () => t.fail("nothing was to be asked") };
  t.is((await failure(() => withServer(options, read(999, 2)))).code, "SOURCE_TRUNCATED");
  t.is((await failure(() => withServer(options, read(-1, 2)))).code, "SOURCE_TRUNCATED");
});

test("nbdBlocks() fails with PROGRAM_FAILED when nobody listens", async (t) => {
  const error = await failure(() =>
    nbdBlocks({ socketPath: "/nonexistent/socket", exportName: "disk" }, context()),
  );
  t.is(error.code, "PROGRAM_FAILED");
});

test("nbdBlocks() ends with the reason when a read is aborted, closes its sockets and keeps no listener", async (t) => {
  const asked = Promise.withResolvers<void>();
  await using server = await scriptedServer({
    transmissionFlags: 1 | (1 << 8),
    answer: () => asked.resolve(),
  });
  const opened = new AbortController();
  const stop = new AbortController();
  const reason = new Error("enough");
  const openContext = testContext({ signal: opened.signal });
  await using blocks = await nbdBlocks({ socketPath: server.socketPath, exportName: "disk" }, openContext);
  t.is(server.sockets.size, 2);
  const gone = Promise.all([...server.sockets].map((socket) => once(socket, "close")));
  const reading = blocks.read(0, Buffer.alloc(1024 ** 2), testContext({ signal: stop.signal }));
  await asked.promise;
  stop.abort(reason);
  t.is(await t.throwsAsync(reading), reason);
  await gone;
  t.is(getEventListeners(stop.signal, "abort").length, 0);
  t.is(getEventListeners(opened.signal, "abort").length, 0);
  t.is(await t.throwsAsync(blocks.read(0, Buffer.alloc(1), context())), reason);
});

test("nbdBlocks() ends with the reason when opening is aborted while the server is silent", async (t) => {
  await using server = await scriptedServer({ isSilent: true });
  const stop = new AbortController();
  const reason = new Error("enough");
  const address = { socketPath: server.socketPath, exportName: "disk" };
  const opening = nbdBlocks(address, testContext({ signal: stop.signal }));
  await server.connected;
  stop.abort(reason);
  t.is(await t.throwsAsync(opening), reason);
});

requires("qemu-nbd")(
  "nbdBlocks() reads any piece of a disk served by qemu-nbd, over two connections",
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "diskferry-test-"));
    t.teardown(() => rm(folder, { recursive: true }));
    const path = join(folder, "disk");
    const disk = seededDisk("served", { sizeBytes: 3 * 1024 ** 2 + 512 });
    await writeFile(path, disk);
    await using server = await serveDisk({ path, format: "raw" }, context());
    await using blocks = await nbdBlocks({ ...server, name: path }, context());
    t.is(blocks.sizeBytes, disk.byteLength);
    t.deepEqual(blocks.locator, {
      kind: "nbd",
      socketPath: server.socketPath,
      exportName: server.exportName,
    });
    const place = fc.integer({ min: 0, max: disk.byteLength });
    await fc.assert(
      fc.asyncProperty(place, place, async (one, other) => {
        const [start, end] = [Math.min(one, other), Math.max(one, other)];
        const into = Buffer.alloc(end - start, 0xee);
        await blocks.read(start, into, context());
        t.true(into.equals(disk.subarray(start, end)));
        let at = start;
        for await (const { offset, length, kind } of blocks.extents(start, end - start, context())) {
          t.is(offset, at);
          at += length;
          if (kind === "zero") t.true(disk.subarray(offset, at).every((byte) => byte === 0));
        }
        t.is(at, end);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  },
);
