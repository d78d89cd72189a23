import type { AnyCommand } from "../command.ts";
import { compare } from "./compare.ts";
import { convert } from "./convert.ts";
import { digest } from "./digest.ts";
import { doctor } from "./doctor.ts";
import { inspect } from "./inspect.ts";
import { verify } from "./verify.ts";

/** Every command, in the order of `diskferry --help`. */
export const COMMANDS: readonly AnyCommand[] = [convert, inspect, digest, verify, compare, doctor];
