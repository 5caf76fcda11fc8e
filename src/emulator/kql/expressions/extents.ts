import { extentTable } from "../../engine/physical.ts";
import type { ScalarFunction } from "./functions.ts";

/** A property of the row's extent, from the store's own list: `n` is a name that no relation has. */
const ofExtent = (property: string, extent: string) => `(SELECT ${property} FROM ${extentTable} WHERE n = ${extent})`;

const noExtent = "'00000000-0000-0000-0000-000000000000'";

/** What a row knows of where it lies; rows that were computed know nothing. */
export const extentFunctions: Readonly<Record<string, ScalarFunction>> = {
  extent_id: ({ extent }) => (extent ? `coalesce(${ofExtent("id", extent)}, ${noExtent})` : noExtent),
  extent_tags: ({ extent }) => (extent ? ofExtent("tags", extent) : "CAST(NULL AS VARCHAR)"),
  ingestion_time: ({ extent }) => (extent ? ofExtent("ingested", extent) : "CAST(NULL AS BIGINT)"),
};
