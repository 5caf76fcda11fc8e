/**
 * The extent tag of a batch with the option `tagBatches`. Not `ingest-by:` and not `drop-by:`: those cost the service more,
 * and this one only has to be found again.
 */
export function batchTag(id: string): string {
  return `millrace-batch:${id}`;
}
