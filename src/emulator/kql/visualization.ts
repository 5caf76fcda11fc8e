/** The properties of `render` as the answer carries them: those that the query does not give are null, false or NaN. */
const byDefault: Readonly<Record<string, unknown>> = {
  Visualization: null,
  Title: null,
  XColumn: null,
  Series: null,
  YColumns: null,
  AnomalyColumns: null,
  XTitle: null,
  YTitle: null,
  XAxis: null,
  YAxis: null,
  Legend: null,
  YSplit: null,
  Accumulate: false,
  IsQuerySorted: false,
  Kind: null,
  Ymin: "NaN",
  Ymax: "NaN",
  Xmin: null,
  Xmax: null,
};

/** What the answer says of a query with a `render`, by the chart's name and the pairs of its `with` clause. */
export function visualizationOf(
  chart: string,
  properties: readonly (readonly [name: string, value: string])[],
): Readonly<Record<string, unknown>> {
  const given: Record<string, unknown> = { ...byDefault, Visualization: chart };
  for (const [name, value] of properties) {
    const key = Object.keys(byDefault).find((known) => known.toLowerCase() === name.toLowerCase()) ?? name;
    given[key] = key === "Accumulate" ? value.toLowerCase() === "true" : value;
  }
  return given;
}

/** What the answer to any other query says. */
export const noVisualization: Readonly<Record<string, unknown>> = byDefault;
