import type { Verdict } from "./check-file.ts";
import { type Difference, differences } from "./differences.ts";

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** Writes the end of a campaign, and returns its exit code. */
export function report(verdicts: readonly Verdict[], isJson: boolean): number {
  const figures = {
    files: verdicts.length,
    cells: sum(verdicts.map(({ cells }) => cells)),
    different: sum(verdicts.map(({ different }) => different)),
    silent: sum(verdicts.map(({ silent }) => silent)),
  };
  if (isJson) console.log(JSON.stringify(figures));
  else tell(verdicts, figures);
  return figures.different + figures.silent > 0 ? 1 : 0;
}

function tell(verdicts: readonly Verdict[], { files, cells, different, silent }: Record<string, number>): void {
  const failed = verdicts.filter(({ outcome }) => outcome === "differs");
  for (const { name, notes } of failed) console.log(`${name}\n${notes.map((note) => `  ${note}\n`).join("")}`);
  console.log("files by package              same  refused  differ      rows   rejected      cells");
  const groups = new Map<string, Verdict[]>();
  for (const verdict of verdicts) {
    const name = /^[a-z]+:(?:@[^/]+\/)?[^/]+/.exec(verdict.name)?.[0] ?? verdict.name;
    groups.set(name, [...(groups.get(name) ?? []), verdict]);
  }
  for (const [name, group] of groups) {
    const count = (outcome: Verdict["outcome"]) => group.filter((each) => each.outcome === outcome).length;
    const total = (field: "rows" | "rejected" | "cells") => sum(group.map((each) => each[field]));
    const numbers = [
      count("same"),
      count("refused"),
      count("differs"),
      total("rows"),
      total("rejected"),
      total("cells"),
    ];
    const widths = [6, 9, 8, 10, 11, 11];
    console.log(name.padEnd(28).slice(0, 28) + numbers.map((n, i) => String(n).padStart(widths[i]!)).join(""));
  }
  console.log("\ndocumented differences");
  for (const [difference, reason] of Object.entries(differences)) {
    const count = sum(verdicts.map(({ documented }) => documented.get(difference as Difference) ?? 0));
    console.log(`${String(count).padStart(9)} cells  ${reason}`);
  }
  console.log(`\n${files} files, ${cells} cells: ${different} different, ${silent} silent`);
}
