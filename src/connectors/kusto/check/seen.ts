import type { MillraceError } from "../../../errors.ts";
import type { TokenSource } from "../auth.ts";
import type { KustoClient } from "../client.ts";
import type { ActualColumn } from "../preflight.ts";
import type { Resources } from "../resources.ts";

/** What the steps before have found. */
export interface Seen {
  tokens?: TokenSource | undefined;
  principal?: string | undefined;
  engine?: KustoClient;
  management?: KustoClient;
  /** The table's columns; undefined: it is not there. */
  columns?: readonly ActualColumn[] | undefined;
  /** The service's refusal to show anything of the database. */
  hidden?: MillraceError;
  resources?: Resources;
  /** The name of the table that was made to try it. */
  staging?: string;
}
