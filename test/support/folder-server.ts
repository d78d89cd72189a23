import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { httpServer, serve, type TestHttp } from "./http-server.ts";

/** Serves the files of a folder, with ranges, whatever the query says. */
export async function serveFolder(folder: string): Promise<TestHttp> {
  return await httpServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname);
    readFile(join(folder, name)).then(
      (content) => serve(content, request, response),
      () => response.writeHead(404).end(),
    );
  });
}
