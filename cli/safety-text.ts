import { formatBytes, formatExactBytes } from "../pipeline/units.ts";
import type { RuleResult } from "../validators/container/rule.ts";
import type { SafetyInspection } from "../worker/inspect-safety.ts";
import { factsText, tableText } from "./table.ts";

/** Each rule with its result, a line each, and below what to do about those that are broken. */
export function safetyText(inspection: SafetyInspection): string {
  const { name, layers, format, virtualSizeBytes, isSafe, readBytes, rules } = inspection;
  const facts = factsText([
    ["source", name],
    ["layers", layers.length === 0 ? "none" : layers.join(" > ")],
    ["format", format],
    ["disk", virtualSizeBytes === undefined ? undefined : formatExactBytes(virtualSizeBytes)],
    ["looked at", formatBytes(readBytes)],
    ["verdict", isSafe ? "accepted" : "refused"],
  ]);
  const table = tableText([["rule", "result", ""], ...rules.map(ruleRow)]);
  const remedies = [
    ...new Set(rules.filter(({ outcome }) => outcome === "broken").map(({ remedy }) => `→ ${remedy}`)),
  ];
  return [facts, table, ...(remedies.length === 0 ? [] : [remedies.join("\n")])].join("\n\n");
}

function ruleRow({ id, outcome, severity, found }: RuleResult): readonly string[] {
  if (outcome === "broken") return [id, severity, found ?? ""];
  return [
    id,
    outcome === "holds" ? "ok" : "not seen",
    outcome === "unseen" ? "the bytes that tell are not at hand" : "",
  ];
}
