import { datetimeOf } from "../values/text-values.ts";

const monthFirst = /^\s*(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?:[T ](.+?))?\s*$/;
const time = /^\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?/;

/** Ticks of a datetime's text as queries read it: what ingestion takes, and `02/17/2016 08:40:01` with the month first. */
export function datetimeInQuery(text: string): bigint | null {
  const known = datetimeOf(text);
  if (known !== null) return known;
  const found = monthFirst.exec(text);
  if (!found) return null;
  const [, month, day, year, rest = "00:00"] = found;
  const half = /\s*([AP])M$/i.exec(rest)?.[1]?.toUpperCase();
  const clock = time.exec(rest)?.[0];
  if (clock === undefined || clock.length !== rest.replace(/\s*[AP]M$/i, "").length) return null;
  const [hours, ...others] = clock.split(":");
  const hour = half ? (Number(hours) % 12) + (half === "P" ? 12 : 0) : Number(hours);
  const [m, d, h] = [month!, day!, String(hour)].map((part) => part.padStart(2, "0"));
  return datetimeOf(`${year}-${m}-${d}T${[h, ...others].join(":")}Z`);
}
