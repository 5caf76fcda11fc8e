import { MillraceError, reasonOf } from "../errors.ts";

/** What a sink fails with: an error without a code is a defect. */
export function asFailure(error: unknown): MillraceError {
  return error instanceof MillraceError ? error : new MillraceError("INTERNAL", reasonOf(error), { cause: error });
}
