import { Readable, Writable } from "node:stream";
import { COMMANDS } from "../cli/commands/index.ts";
import { EXIT_STATUSES, EXIT_STATUS_OF } from "../cli/exit-status.ts";
import { runCli } from "../cli/program.ts";
import { ERRORS, type ErrorCode } from "../pipeline/errors.ts";
import { SERVICE_ERRORS } from "../service/errors.ts";
import { SAFETY_RULES } from "../validators/container/index.ts";

/** A part of a page that is made from the code; what is around it is written by hand. */
export interface GeneratedPart {
  /** From the top of the repository. */
  readonly path: string;
  /** Between its marks; the name in them. */
  readonly name: string;
  readonly text: string;
}

/** Every part of the documentation that repeats what the code says. Written by `npm run docs`, compared by test. */
export async function generatedParts(): Promise<readonly GeneratedPart[]> {
  return [
    { path: "docs/errors.md", name: "codes", text: codeTable() },
    { path: "docs/errors.md", name: "exit statuses", text: exitStatusTable() },
    { path: "docs/cli.md", name: "commands", text: await manual() },
    { path: "docs/safety.md", name: "rules", text: ruleTable() },
  ];
}

/** `page` with the text of `part` between its marks. Throws where the page has not got them. */
export function withPart(page: string, { path, name, text }: GeneratedPart): string {
  const [begin, end] = [`<!-- ${name}: made by npm run docs -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot find the marks "${begin}" and "${end}" in "${path}"`);
  return `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`;
}

function codeTable(): string {
  const rows = Object.keys(ERRORS)
    .filter(isErrorCode)
    .map((code) => {
      const { meaning, fixer, retryable } = ERRORS[code];
      const { ec2Code, httpStatus } = SERVICE_ERRORS[code];
      return [
        `\`${code}\``,
        meaning,
        fixer,
        retryable ? "yes" : "no",
        String(EXIT_STATUS_OF[code]),
        `${ec2Code} (${httpStatus})`,
      ];
    });
  return table(["code", "meaning", "who can mend it", "tried again", "exit status", "EC2 code"], rows);
}

function exitStatusTable(): string {
  return table(["status", "meaning"], Object.entries(EXIT_STATUSES));
}

function ruleTable(): string {
  const rows = SAFETY_RULES.map(({ id, reads, refuses, severity, code, remedy }) => [
    `\`${id}\``,
    reads,
    refuses,
    severity === "error" ? `\`${code}\`` : "warning",
    remedy,
  ]);
  return table(["rule", "what is read", "what must not be", "refused with", "what to do"], rows);
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [tableRow(head), tableRow(head.map(() => "---")), ...rows.map(tableRow)].join("\n");
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

async function manual(): Promise<string> {
  const sections = [await helpText([])];
  for (const { name } of COMMANDS) sections.push(`## ${name}\n\n${await helpText([name])}`);
  return sections.join("\n\n");
}

async function helpText(command: readonly string[]): Promise<string> {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const output = { stream, isTerminal: false, columns: () => 100 };
  const environment = {
    output,
    errors: output,
    input: Readable.from([]),
    variables: {},
    version: "",
    signal: new AbortController().signal,
  };
  await runCli([...command, "--help"], environment, COMMANDS);
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\``;
}
