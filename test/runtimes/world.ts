/** What a case finds around it: told by the parent, as JSON in the environment. */
export interface World {
  /** `node-20`, `deno`, `bun`: also part of the names of its tables and folders. */
  readonly runtime: string;
  /** How this runtime starts a program: the binary and its options, before the program's path. */
  readonly command: readonly string[];
  /** The folder of the suite's other programs, bundled. */
  readonly programs: string;
  /** The repository. */
  readonly root: string;
  /** A folder of this runtime's own. */
  readonly folder: string;
  /** An emulator in another process. */
  readonly cluster: string;
  readonly database: string;
  /** A second one, which asks for logins. */
  readonly secured: {
    readonly cluster: string;
    readonly authorityHost: string;
    readonly tenantId: string;
    /** May do everything; also has the certificate. */
    readonly admin: { readonly appId: string; readonly appKey: string; readonly principal: string };
    /** PEM with its key. */
    readonly pem: string;
    readonly federatedToken: string;
    readonly bearer: string;
    readonly appService: Readonly<Record<string, string>>;
  };
}

export interface Case {
  readonly name: string;
  run(world: World): Promise<void> | void;
  /** Why it cannot be run here. */
  skip?(world: World): string | undefined;
}

export const worldVariable = "MILLRACE_RUNTIME_WORLD";

/** A line of a runtime's output, and the parent's reading of it. */
export interface CaseResult {
  readonly case: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly ms: number;
  /** Of a failure the stack, of a skip the reason. */
  readonly why?: string;
}
