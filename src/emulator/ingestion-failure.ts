/** Why a blob was not ingested, in the service's own codes (documentation, "Ingestion error codes"). */
export class IngestionFailure extends Error {
  override readonly name = "IngestionFailure";
  readonly code: string;
  readonly permanent: boolean;

  constructor(code: string, message: string, permanent = true) {
    super(message);
    this.code = code;
    this.permanent = permanent;
  }
}
