import { randomUUID } from "node:crypto";
import { reasonOf } from "../../errors.ts";
import type { OperationResult } from "../engine/operations.ts";
import { KustoError } from "../kusto-error.ts";
import type { Stored } from "../values/stored.ts";
import type { Command } from "./command.ts";
import { commandsOf } from "./grammar-gaps.ts";
import { isTrue, propertiesOf, refuseOtherProperties } from "./syntax.ts";

const columns: OperationResult["columns"] = [
  { name: "OperationId", kind: "guid" },
  { name: "CommandType", kind: "string" },
  { name: "CommandText", kind: "string" },
  { name: "Result", kind: "string" },
  { name: "Reason", kind: "string" },
];

/** Runs the commands of a script, one after another; nothing is taken back when one of them fails. */
const script: Command = async (node, { text, command }) => {
  const properties = propertiesOf(node);
  refuseOtherProperties(properties, ["continueonerrors", "throwonerrors"]);
  const [goesOn, throws] = ["continueonerrors", "throwonerrors"].map((name) => isTrue(properties.get(name)));
  if (goesOn && throws) throw new KustoError("ContinueOnErrors and ThrowOnErrors exclude each other.");
  const rows: Stored[][] = [];
  for (const each of commandsOf(text)) {
    const row = (name: string, result: string, reason = "") =>
      rows.push([randomUUID(), typeOf(name), each, result, reason]);
    if (/^\.show\b/i.test(each)) {
      row("Show", "Skipped");
      continue;
    }
    try {
      row(await command(each), "Completed");
    } catch (error) {
      if (throws) throw error;
      row("", "Failed", reasonOf(error));
      if (!goesOn) break;
    }
  }
  return { columns, rows };
};

/** `RetentionPolicyAlter` of the parser's `AlterMergeTablePolicyRetention`, as the documentation shows it. */
function typeOf(name: string): string {
  const found = /^(CreateOrAlter|CreateMerge|AlterMerge|SetOr[A-Z][a-z]+|[A-Z][a-z]+)(.*)$/.exec(name);
  if (!found) return name;
  const [, verb, what] = found as unknown as [string, string, string];
  const act = verb.replace(/Merge$/, "");
  const policy = /Policy(.+)$/.exec(what);
  return policy ? `${policy[1]}Policy${act}` : what + act;
}

export const scriptCommands: Readonly<Record<string, Command>> = { ExecuteDatabaseScript: script };
