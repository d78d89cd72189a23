import test from "ava";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { confined } from "../../programs/sandbox.ts";
import { requires } from "../support/requires.ts";

const NOTHING = { reads: [], writes: [] };

test("confined() hands on the arguments as they are, and an environment without anything else", async (t) => {
  const { file, args, env } = await confined("/bin/echo", ["--as=1", "--", "a b", "$HOME"], NOTHING, {});
  t.deepEqual(Object.keys(env), ["PATH", "LC_ALL", "MALLOC_ARENA_MAX"]);
  const { stdout } = await promisify(execFile)(file, args, { env });
  t.is(stdout, "--as=1 -- a b $HOME\n");
});

test("confined() takes its wrappers from no folder that a user can name", async (t) => {
  const { file } = await confined("/bin/true", [], NOTHING, { programPath: "/nonexistent" });
  t.notRegex(file, /nonexistent/);
});

requires("setpriv")("confined() has the program killed when the one who started it is killed", async (t) => {
  const { file, args, env } = await confined("/bin/sleep", ["1000"], NOTHING, {});
  const script = `
    const child = require("node:child_process").spawn(${JSON.stringify(file)}, ${JSON.stringify(args)}, { stdio: "inherit", detached: true });
    child.once("spawn", () => process.kill(process.pid, "SIGKILL"));`;
  const parent = spawn(process.execPath, ["-e", script], { env, stdio: ["ignore", "pipe", "inherit"] });
  // The pipe's end comes when nobody holds it any more: neither the parent nor what it started.
  await once(parent.stdout.resume(), "end");
  t.is(parent.signalCode ?? "SIGKILL", "SIGKILL");
});
