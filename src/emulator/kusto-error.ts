/**
 * A refusal as the service words it: HTTP status, code, text, and whether trying again can help. The HTTP side turns it
 * into the service's error body; nothing else of a failure reaches a client.
 */
export class KustoError extends Error {
  override readonly name = "KustoError";
  readonly status: number;
  readonly code: string;
  readonly type: string;
  readonly permanent: boolean;

  constructor(message: string, about: { status?: number; code?: string; type?: string; permanent?: boolean } = {}) {
    super(message);
    this.status = about.status ?? 400;
    this.code = about.code ?? "General_BadRequest";
    this.type = about.type ?? "Kusto.Data.Exceptions.KustoBadRequestException";
    this.permanent = about.permanent ?? true;
  }
}

export function entityNotFound(kind: string, name: string): KustoError {
  return new KustoError(`Entity ID '${name}' of kind '${kind}' was not found.`, {
    code: "BadRequest_EntityNotFound",
    type: "Kusto.Data.Exceptions.EntityNotFoundException",
  });
}

export function entityExists(kind: string, name: string): KustoError {
  return new KustoError(`Entity ID '${name}' of kind '${kind}' already exists.`, {
    code: "BadRequest_EntityAlreadyExists",
    type: "Kusto.Data.Exceptions.EntityAlreadyExistsException",
  });
}

export function syntaxError(message: string): KustoError {
  return new KustoError(`Syntax error: ${message}`, { type: "Kusto.Data.Exceptions.SyntaxException" });
}

export function semanticError(message: string): KustoError {
  return new KustoError(`Semantic error: ${message}`, { type: "Kusto.Data.Exceptions.SemanticException" });
}
