import { convertDisk } from "../../converters/index.ts";
import { ImportError } from "../../pipeline/errors.ts";
import { testContext } from "./context.ts";
import { hashingThreads } from "./hashing-threads.ts";

/** Run as a program by tests that prepare a file system for it: converts a raw disk to raw and prints the code it fails with. */
const [, , source = "", result = ""] = process.argv;
try {
  const request = { from: { path: source, format: "raw" }, to: { path: result, format: "raw" } } as const;
  await convertDisk(request, testContext({ threads: hashingThreads }));
  process.stdout.write("converted\n");
} catch (error) {
  process.stdout.write(`${error instanceof ImportError ? error.code : String(error)}\n`);
}
