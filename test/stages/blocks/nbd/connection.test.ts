import test from "ava";
import { getEventListeners } from "node:events";
import { connectNbd } from "../../../../stages/blocks/nbd/connection.ts";
import { failure } from "../../../support/errors.ts";
import { COMMAND } from "../../../../stages/blocks/nbd/protocol.ts";
import { type SeenRequest, dataReply, scriptedServer } from "../../../support/nbd-server.ts";

test("connectNbd() answers several requests at once by their cookies, and says goodbye", async (t) => {
  const seen: SeenRequest[] = [];
  const goodbye = Promise.withResolvers<void>();
  await using server = await scriptedServer({
    answer(request, socket) {
      if (request.command === COMMAND.disconnect) {
        goodbye.resolve();
        return;
      }
      seen.unshift(request);
      if (seen.length < 3) return;
      for (const { cookie, offset } of seen) socket.write(dataReply(cookie, offset, Buffer.of(offset)));
    },
  });
  const stop = new AbortController();
  const connection = await connectNbd(
    { name: "disk", socketPath: server.socketPath, exportName: "" },
    stop.signal,
  );
  const into = [1, 2, 3].map(() => Buffer.alloc(1));
  await Promise.all(into.map((memory, index) => connection.read(index + 1, memory)));
  t.deepEqual(
    into.map(([byte]) => byte),
    [1, 2, 3],
  );
  await connection[Symbol.asyncDispose]();
  await goodbye.promise;
  await connection[Symbol.asyncDispose]();
  t.is(getEventListeners(stop.signal, "abort").length, 0);
});

test("connectNbd() fails what waits and what comes later when the server goes away", async (t) => {
  await using server = await scriptedServer({ answer: (_request, socket) => void socket.destroy() });
  const address = { name: "disk", socketPath: server.socketPath, exportName: "" };
  await using connection = await connectNbd(address, new AbortController().signal);
  for (let count = 0; count < 2; count++) {
    const error = await failure(() => connection.read(0, Buffer.alloc(1)));
    t.is(error.code, "PROGRAM_FAILED");
    t.regex(error.message, /"disk" as its NBD server (ended|broke) the connection/);
  }
});

test("connectNbd() fails a request with the reason given to close()", async (t) => {
  await using server = await scriptedServer({});
  const address = { name: "disk", socketPath: server.socketPath, exportName: "" };
  await using connection = await connectNbd(address, new AbortController().signal);
  const reason = new Error("enough");
  const reading = connection.blockStatus(0, 512);
  connection.close(reason);
  connection.close(new Error("again"));
  t.is(await t.throwsAsync(reading), reason);
});
