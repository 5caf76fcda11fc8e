import type { Kind } from "./kinds.ts";

/** Why a text that spells a value for people does not spell one here, and what to do; undefined: there is nothing to add. */
export function textHint(kind: Kind, text: string): string | undefined {
  if (kind === "string" || kind === "dynamic" || text.length > longestHinted) return undefined;
  if (text !== text.trim()) return "blanks stand around it: the option trim leaves them out";
  switch (kind) {
    case "int":
    case "long":
    case "real":
    case "decimal":
      return numberHint(text);
    case "datetime":
      return datetimeHint(text);
    case "bool":
      return /^(?:y|n|t|f|yes|no|on|off)$/i.test(text) ? "write true or false" : undefined;
    default:
      return undefined;
  }
}

const longestHinted = 100;

function numberHint(text: string): string | undefined {
  if (/^[+-]?\d{1,3}(?:[ '_\u00a0\u202f]\d{3})+(?:[.,]\d+)?$/.test(text))
    return "it has thousands separators: take them out";
  if (/^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)$/.test(text))
    return "it has thousands separators and a decimal comma: write 1234.5";
  if (/^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(text))
    return "the comma may separate thousands or be a decimal comma: write 1234.5";
  if (/^[+-]?\d*,\d+$/.test(text)) return "it has a decimal comma: write a point";
  return undefined;
}

function datetimeHint(text: string): string | undefined {
  if (/^\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})(?!\d)/.test(text))
    return "day and month could be either way round: write the year first, as in 2015-02-01";
  if (/[:.,\d]\d[.,]\d{8,}/.test(text)) return 'excessPrecision: "truncate" leaves out the digits behind the seventh';
  if (/^\d{10}(?:\d{3})?$/.test(text)) return "it looks like a Unix time, and as text its unit is not known";
  return undefined;
}
