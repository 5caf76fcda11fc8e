import type { Catalogue } from "../engine/catalogue.ts";
import type { Database } from "../engine/entities.ts";
import type { OperationResult } from "../engine/operations.ts";
import type { FailureRecord } from "../ingest/report.ts";
import type { Language } from "../kql/language.ts";
import type { Relation } from "../kql/relation.ts";
import type { SyntaxNode } from "../kql/tree.ts";
import type { Access } from "../security/access.ts";
import type { Stored } from "../values/stored.ts";
import type { Span } from "./syntax.ts";

/** What commands stand on. */
export interface CommandGround {
  readonly catalogue: Catalogue;
  readonly database: Database;
  readonly failures: FailureRecord[];
  readonly language: Language;
  readonly text: string;
  /** The bytes of a blob, wherever it is; undefined where the engine stands alone. */
  readonly open?: ((url: string) => AsyncIterable<Uint8Array>) | undefined;
  /** What the caller may do; undefined where everybody may do everything. */
  readonly access?: Access | undefined;
}

/** What a command works on. */
export interface CommandContext extends CommandGround {
  /** The result of the query, or of the `.show` command in its place, that stands there in the command's text. */
  query(span: Span): Promise<Relation>;
  /** Runs another command, and answers with the parser's name for it. */
  command(text: string): Promise<string>;
}

/**
 * Acts, and answers with rows of values in the order of the columns that the parser declares for the command; or, where
 * it declares none, with columns of its own.
 */
export type Command = (
  node: SyntaxNode,
  context: CommandContext,
) => Promise<Stored[][] | OperationResult> | Stored[][] | OperationResult;
