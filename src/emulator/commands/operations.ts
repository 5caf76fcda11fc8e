import { isSkipped, type OperationEntry, type OperationResult } from "../engine/operations.ts";
import { findParts, type SyntaxNode, textOf } from "../kql/tree.ts";
import type { Stored } from "../values/stored.ts";
import type { Command, CommandContext } from "./command.ts";
import { isTrue, keywordsOf, propertiesOf } from "./syntax.ts";

export interface LoggedCommand {
  /** What the log calls it. */
  readonly kind: string;
  readonly isCancellable?: boolean;
  /** The rows of the answer; `async` changes when they are there, and not what they are. */
  readonly act: (
    node: SyntaxNode,
    context: CommandContext,
    signal: AbortSignal,
    operationId: string,
  ) => Promise<OperationResult>;
}

/**
 * A command that the log of operations tells of, and that `async` sends to the background: it answers with the id of
 * the operation then, and goes on whatever becomes of the request.
 */
export const logged =
  ({ kind, isCancellable = false, act }: LoggedCommand): Command =>
  async (node, context) => {
    const isAsync = keywordsOf(node).includes("async");
    const operation = context.catalogue.operations.start(
      {
        kind,
        isCancellable,
        database: context.database.name,
        keepsResult: isAsync || isTrue(propertiesOf(node).get("persistdetails")),
      },
      (signal, id) => act(node, context, signal, id),
    );
    if (isAsync) {
      await operation.isNoted;
      return { columns: [{ name: "OperationId", kind: "guid" }], rows: [[operation.id]] };
    }
    try {
      return await operation.end;
    } catch (error) {
      // What is there already is not done again, and that is no error to the one who asked for it.
      if (isSkipped(error)) return [];
      throw error;
    }
  };

const idsIn = (node: SyntaxNode) => findParts(node, "OperationId").map((id) => textOf(id).toLowerCase());

const show: Command = (node, { catalogue }) => {
  const ids = idsIn(node);
  const entries =
    ids.length === 0
      ? catalogue.operations.log()
      : [...new Set(ids)].flatMap((id) => catalogue.operations.latest(id) ?? []);
  return entries.map(rowOf);
};

function rowOf(entry: OperationEntry): Stored[] {
  return [
    ...[entry.id, entry.kind, "", entry.startedOn, entry.updatedOn, entry.updatedOn - entry.startedOn],
    ...[entry.state, entry.status, entry.activityId, entry.shouldRetry, entry.database],
    ...["", "", entry.startedOn, ""],
  ];
}

const details: Command = (node, { catalogue }) => catalogue.operations.details(idsIn(node)[0]!);

const cancel: Command = async (node, { catalogue }) => {
  const id = textOf(findParts(node, "obj")[0]!).toLowerCase();
  const reason = propertiesOf(node).get("reason") ?? "";
  const { entry, failure } = await catalogue.operations.cancel(id);
  return {
    columns: [
      { name: "OperationId", kind: "guid" },
      { name: "Operation", kind: "string" },
      { name: "StartedOn", kind: "datetime" },
      { name: "CancellationState", kind: "string" },
      { name: "ReasonPhrase", kind: "string" },
    ],
    rows: [
      [
        ...[entry.id, entry.kind, entry.startedOn],
        ...(failure === undefined ? ["Cancelled successfully", reason] : ["Cancel failed", failure]),
      ],
    ],
  };
};

export const operationCommands: Readonly<Record<string, Command>> = {
  CancelOperation: cancel,
  ShowOperationDetails: details,
  ShowOperations: show,
};
