import { Command, CommanderError } from "commander";
import { ImportError } from "../pipeline/errors.ts";
import { withRun } from "../worker/run-context.ts";
import type { AnyCommand, Session } from "./command.ts";
import type { CliEnvironment } from "./environment.ts";
import { EXIT_STATUSES, type ExitStatus } from "./exit-status.ts";
import { addOutputFlags, outputMode, type OutputFlags } from "./options/output-flags.ts";
import { type OutputMode, output } from "./output.ts";

/**
 * Runs the program with the arguments that follow its name, and returns its exit status once everything has ended.
 * Never throws: whatever goes wrong is printed, and told by the status.
 */
export async function runCli(
  args: readonly string[],
  environment: CliEnvironment,
  commands: readonly AnyCommand[],
): Promise<ExitStatus> {
  let exitStatus: ExitStatus = 0;
  const program = programTree(environment, commands, async (spec, positional, flags, mode) => {
    exitStatus = await runCommand(spec, positional, flags, mode, environment);
  });
  try {
    await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
    return exitStatus;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const quiet = { json: args.includes("--json"), quiet: true, trace: args.includes("--trace") };
    using report = output(environment, quiet);
    return report.failure(error instanceof CommanderError ? usageError(error, args, commands) : error);
  }
}

type Start = (
  spec: AnyCommand,
  args: readonly string[],
  flags: OutputFlags,
  mode: OutputMode,
) => Promise<void>;

function programTree(environment: CliEnvironment, commands: readonly AnyCommand[], start: Start): Command {
  const { output: out, errors, version } = environment;
  const program = new Command("diskferry")
    .description(
      "Brings machine images from where they are to where they run: fetches, decrypts, converts and verifies them.",
    )
    .version(version, "-V, --version", "print the version")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", `\n${exitStatusText()}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void out.stream.write(text),
      // Usage errors are thrown, and printed as every other error is.
      writeErr: () => undefined,
      getOutHelpWidth: () => out.columns(),
      getErrHelpWidth: () => errors.columns(),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  for (const spec of commands) {
    const command = program.command(spec.name).summary(spec.summary).description(`${spec.summary}.`);
    spec.declare(command);
    addOutputFlags(command);
    command.addHelpText("after", `\n${examplesText(spec)}`);
    command.action(async () => {
      const flags = command.opts<OutputFlags>();
      await start(spec, command.args, flags, outputMode(flags));
    });
  }
  return program;
}

async function runCommand(
  spec: AnyCommand,
  args: readonly string[],
  flags: unknown,
  mode: OutputMode,
  environment: CliEnvironment,
): Promise<ExitStatus> {
  const { signal, variables } = environment;
  using report = output(environment, mode);
  const programPath = variables["PATH"];
  const session: Session = {
    environment,
    output: report,
    mode,
    run: (settings, work) =>
      withRun(
        { ...settings, signal, log: report.log, progress: (event) => report.progress(event) },
        (context) => work(programPath === undefined ? context : { ...context, programPath }),
      ),
  };
  try {
    signal.throwIfAborted();
    return report.outcome(await spec.run(await spec.parse(args, flags, environment), session));
  } catch (error) {
    // What breaks because everything is being stopped is no failure of its own.
    return report.failure(signal.aborted ? signal.reason : error);
  }
}

function usageError(
  error: CommanderError,
  args: readonly string[],
  commands: readonly AnyCommand[],
): ImportError {
  const named = commands.find(({ name }) => name === args[0]);
  // All that commander says of `help` for a command that there is not is "(outputHelp)".
  const message = error.code === "commander.help" ? `unknown command '${args.at(-1) ?? ""}'` : error.message;
  return new ImportError("ARGUMENT_INVALID", message.replace(/^error: /, "").replace(/\.\s*$/, ""), {
    remedy: `See: diskferry ${named === undefined ? "" : `${named.name} `}--help`,
  });
}

function examplesText({ examples }: AnyCommand): string {
  return ["Examples:", ...examples.flatMap(({ line, does }) => [`  # ${does}`, `  diskferry ${line}`])].join(
    "\n",
  );
}

function exitStatusText(): string {
  const lines = Object.entries(EXIT_STATUSES).map(
    ([status, meaning]) => `  ${status.padStart(3)}  ${meaning}`,
  );
  return ["Exit status:", ...lines].join("\n");
}
