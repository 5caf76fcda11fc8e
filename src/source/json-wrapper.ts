import { MillraceError } from "../errors.ts";
import { listed } from "../schema/match-fields.ts";
import type { ObjectShape } from "./json-shape.ts";

/** An object that holds the records in one of its members. */
export interface Wrapper {
  /** The way to the array; empty: the documents themselves are the records. */
  readonly jsonPath: readonly string[];
  /** The members beside it that are not read, but for those that GeoJSON has there. */
  readonly leftOut: readonly string[];
  /** For the user, where the path was found and not given. */
  readonly notice?: string;
}

export const noWrapper: Wrapper = { jsonPath: [], leftOut: [] };

const membersShown = 10;

/** Members of a FeatureCollection beside its features: RFC 7946, and `crs` and `name` as GDAL writes them. */
const geoJsonMembers: readonly string[] = ["type", "crs", "bbox", "name"];

/**
 * Finds the records in a document that is one object: the elements of its only array of objects.
 *
 * @throws MillraceError BAD_SOURCE when there are several.
 */
export function wrapperIn(path: string, { arrays, members, memberCount, type }: ObjectShape): Wrapper {
  const [array] = arrays;
  if (array === undefined) return noWrapper;
  if (arrays.length > 1)
    throw new MillraceError(
      "BAD_SOURCE",
      `${path} is an object with several arrays of objects (${arrays.slice(0, 10).join(", ")}); say with path which holds the records, or "$" for the object itself.`,
      { context: { file: path } },
    );
  const isGeoJson = array === "features" && type === "FeatureCollection";
  const others = members.filter((name) => name !== array && !(isGeoJson && name === "type"));
  const count = memberCount - 1 - (isGeoJson ? 1 : 0);
  const wrapper = { jsonPath: [array], leftOut: others.filter((name) => !isGeoJson || !geoJsonMembers.includes(name)) };
  if (isGeoJson && count === 0) return wrapper;
  const shown = others.slice(0, membersShown);
  const more = count > shown.length ? `, and ${count - shown.length} more` : "";
  const lost = count === 0 ? "" : `; ${listed(shown)}${more} beside it ${count === 1 ? "is" : "are"} left out`;
  const notice = `${path}: the records are the elements of ${listed([array])}${lost}. path "$" reads the object itself.`;
  return { ...wrapper, notice };
}
