import type { Context } from "../pipeline/contract.ts";
import { STANDARD_FOLDERS, findProgram } from "./find-program.ts";

/** Resource limits of one program, as setrlimit(2) knows them; what is left out is not limited. */
export interface ProgramLimits {
  readonly cpuSeconds?: number;
  readonly addressSpaceBytes?: number;
  readonly fileSizeBytes?: number;
  readonly openFiles?: number;
}

/** What is to be shut in. */
export interface Confinement {
  readonly limits?: ProgramLimits;
  /** The only files the program has any business with; for a sandbox that can enforce it. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/** A command as spawn takes it. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The one seam through which every outside program passes: wraps the command so that it runs confined. Today that is an
 * empty environment, resource limits by prlimit, and setpriv, which kills the program when we ourselves are killed and
 * takes away the gaining of privileges; both come with util-linux, and where they are missing the program runs without.
 */
export async function confined(
  path: string,
  args: readonly string[],
  confinement: Confinement,
  context: Pick<Context, "programPath">,
): Promise<Command> {
  // glibc would reserve an arena of 64 MiB for each thread, up to eight a core.
  const env = { PATH: context.programPath ?? STANDARD_FOLDERS, LC_ALL: "C", MALLOC_ARENA_MAX: "2" };
  // Only from the standard folders: a wrapper has more power than what it wraps.
  const setpriv = await findProgram("setpriv", {});
  const prlimit = await findProgram("prlimit", {});
  const command = [
    ...(setpriv === undefined ? [] : [setpriv, "--pdeathsig", "KILL", "--no-new-privs", "--"]),
    ...(prlimit === undefined ? [] : [prlimit, ...limitFlags(confinement.limits ?? {}), "--"]),
    path,
    ...args,
  ];
  const [file = path, ...rest] = command;
  return { file, args: rest, env };
}

function limitFlags(limits: ProgramLimits): string[] {
  const { cpuSeconds, addressSpaceBytes, fileSizeBytes, openFiles } = limits;
  const flags: readonly (readonly [flag: string, value: number | undefined])[] = [
    ["core", 0], // a core dump would hold parts of the image
    ["cpu", cpuSeconds],
    ["as", addressSpaceBytes],
    ["fsize", fileSizeBytes],
    ["nofile", openFiles],
  ];
  return flags.flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}=${Math.ceil(value)}`]));
}
