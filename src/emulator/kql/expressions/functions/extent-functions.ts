import { extentTable } from "../../../engine/physical.ts";
import type { Functions, ScalarFunction } from "./call.ts";

const noExtent = "'00000000-0000-0000-0000-000000000000'";

/** A property of the row's extent, from the store's own list: `n` is a name that no relation has. */
const ofExtent =
  (property: string, otherwise: string): ScalarFunction =>
  ({ at }) => {
    const extent = at.source?.relation.extent;
    return extent ? `coalesce((SELECT ${property} FROM ${extentTable} WHERE n = ${extent}), ${otherwise})` : otherwise;
  };

const extentId = ofExtent("id", noExtent);

/** What a row knows of where it lies; rows that were computed know nothing. */
export const extents: Functions = {
  extent_id: extentId,
  extentid: extentId,
  extent_tags: ofExtent("tags", "CAST(NULL AS VARCHAR)"),
  ingestion_time: ofExtent("ingested", "CAST(NULL AS BIGINT)"),
};
