import { IngestionFailure } from "../ingestion-failure.ts";
import { datetimeOf } from "../values/text-values.ts";

/** How to read a source and what to make of it, whichever way it came: queue, stream or command. */
export interface IngestionProperties {
  readonly format: string;
  readonly mapping?: string | undefined;
  readonly mappingReference?: string | undefined;
  readonly ignoreFirstRecord?: boolean;
  readonly tags?: readonly string[];
  /** Values of `ingest-by:` tags: if an extent bears one of them, nothing is loaded. */
  readonly ifNotExists?: readonly string[];
  /** Ticks. */
  readonly creationTime?: bigint | undefined;
  /** Which files of a zip archive to take: a regular expression over their names. */
  readonly zipPattern?: string | undefined;
  /** False where the validation policy does not ask for the same number of fields in every record. */
  readonly constantFields?: boolean;
}

/** The older names of the mapping properties; the kind goes by the format. */
const mappingNames = ["ingestionmapping", "csvmapping", "jsonmapping", "avromapping", "parquetmapping", "orcmapping"];

/**
 * Reads the properties that clients and commands give, by lower-case name; those that are not known are left alone.
 *
 * @throws IngestionFailure BadRequest_MalformedIngestionProperty and others.
 */
export function readProperties(given: ReadonlyMap<string, unknown>, blobPath: string): IngestionProperties {
  const text = (...names: string[]) => {
    for (const name of names) {
      const value = given.get(name);
      if (typeof value === "string" && value !== "") return value;
    }
    return undefined;
  };
  return {
    format: text("format")?.toLowerCase() ?? formatOfName(blobPath),
    mapping: text(...mappingNames),
    mappingReference: text(...mappingNames.map((name) => `${name}reference`)),
    ignoreFirstRecord: isTrue(given.get("ignorefirstrecord")),
    tags: listOf(given.get("tags"), "tags"),
    ifNotExists: listOf(given.get("ingestifnotexists"), "ingestIfNotExists"),
    creationTime: creationTimeOf(text("creationtime")),
    zipPattern: text("zippattern"),
    constantFields: constantFieldsOf(given.get("validationpolicy")),
  };
}

export const isTrue = (value: unknown): boolean =>
  value === true || (typeof value === "string" && value.toLowerCase() === "true");

const extensions = /\.(avro|csv|tsv|tsve|scsv|sohsv|psv|txt|raw|json|singlejson|multijson|parquet|orc|w3clogfile)$/i;

/** The format that a blob's name tells, `csv` where it tells none (documentation, "Ingestion properties"). */
function formatOfName(blobPath: string): string {
  const name = blobPath.replace(/[?;].*$/s, "").replace(/\.(gz|zip)$/i, "");
  return extensions.exec(name)?.[1]?.toLowerCase() ?? "csv";
}

/** A list of strings: JSON text of an array, as the clients send it, or an array. */
function listOf(value: unknown, property: string): string[] {
  if (value === undefined || value === null || value === "") return [];
  const list = typeof value === "string" ? parsed(value) : value;
  if (Array.isArray(list) && list.every((tag) => typeof tag === "string")) return list;
  throw malformed(property, "it must be a JSON array of strings");
}

function creationTimeOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const ticks = datetimeOf(text);
  if (ticks === null) throw malformed("creationTime", "it must be a datetime in ISO 8601");
  return ticks;
}

/** `{"ValidationOptions": 1, "ValidationImplications": 1}`; the options by number or name, 1 the default. */
function constantFieldsOf(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  const policy = typeof value === "string" ? parsed(value) : value;
  if (typeof policy !== "object" || policy === null) throw malformed("validationPolicy", "it must be a JSON object");
  const members = new Map(Object.entries(policy).map(([name, member]) => [name.toLowerCase(), member]));
  const options: unknown = members.get("validationoptions") ?? 1;
  if (options === 0 || options === "DoNotValidate") return false;
  if (options === 1 || options === "ValidateCsvInputConstantColumns") return true;
  if (options === 2 || options === "ValidateCsvInputColumnLevelOnly") return false;
  throw malformed("validationPolicy", "its ValidationOptions must be 0, 1 or 2");
}

function parsed(text: string): unknown {
  try {
    // The documentation's own examples write lists with single quotes.
    return JSON.parse(text.includes('"') ? text : text.replaceAll("'", '"'));
  } catch {
    return undefined;
  }
}

const malformed = (property: string, why: string) =>
  new IngestionFailure(
    "BadRequest_MalformedIngestionProperty",
    `Ingestion property '${property}' is malformed: ${why}.`,
  );
