import type { ScenarioFault } from "../../../src/emulator/faults/scenario.ts";
import type { ChildPlan } from "./points.ts";

/** What the service or the machine does to the writer meanwhile. The numbers are those of the table in docs/exactly-once.md. */
export const ills = {
  "nothing else": [],
  "queue posts lose their answers": [8],
  "commands lose their answers": [13],
  "connections break": [20],
  "the service is throttled": [20],
  "SAS expire": [20],
  "the answer of a move is lost": [13, 14],
  "messages are delivered twice": [9],
  "blobs are loaded twice": [9],
  "messages come out of order": [9],
  "messages are delivered twice, late": [10],
  "messages are lost": [21],
  "the disk is full for a while": [23],
  "the next start has other subtasks": [18],
  "the target gets another column": [19],
  "the service refuses some rows": [11],
  "a zombie wakes up": [17],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type Ill = keyof typeof ills;

/** Those that need no service. */
const machineIlls: readonly Ill[] = [
  "nothing else",
  "the disk is full for a while",
  "the next start has other subtasks",
  "a zombie wakes up",
];

/** Rows that hold this word are refused by the service, where the ill says so. */
export const poison = "POISON";

/** Whether the guarantee of the mode covers the ill. */
export function fits(ill: Ill, { destination, mode }: Pick<ChildPlan, "destination" | "mode">): boolean {
  if (destination === "files") return machineIlls.includes(ill);
  // The service loads a blob twice in spite of its own check: mode "tag" is as good as that check.
  if (ill === "blobs are loaded twice") return mode !== "tag";
  if (ill === "the answer of a move is lost") return mode === "move";
  // Without staging a batch that the service refuses fails the sink, as documented.
  if (ill === "the service refuses some rows") return mode !== "at-least-once";
  return ill !== "the target gets another column" || (mode !== "tag" && mode !== "at-least-once");
}

/**
 * The emulator's faults for one ill; none where the kit itself is the cause. No fault names a table: the messages of the
 * staged modes name the staging table, which the kit does not know, and an emulator runs one trial at a time.
 */
export function faultsOf(ill: Ill, random: () => number): ScenarioFault[] {
  const some = 1 + Math.floor(random() * 3);
  switch (ill) {
    case "queue posts lose their answers":
      return [{ do: "reset", at: "queue", when: "after", times: some }];
    case "commands lose their answers":
      return [{ do: "reset", at: "mgmt", when: "after", times: some * 3 }];
    case "connections break":
      return [
        { do: "reset", at: "blob", when: "before", times: some },
        { do: "reset", at: "mgmt", when: "before", times: some },
      ];
    case "the service is throttled":
      return [
        { do: "answer", at: "mgmt", status: 429, times: some, retryAfterSeconds: 0 },
        { do: "answer", at: "blob", status: 503, times: some },
      ];
    case "SAS expire":
      return [
        { do: "expire-sas", at: "blob", times: some },
        { do: "expire-sas", at: "queue", times: some },
      ];
    case "the answer of a move is lost":
      return [{ do: "reset", at: "mgmt", when: "after", command: ".move extents", times: some }];
    case "blobs are loaded twice":
      return [{ do: "load-twice", times: some }];
    case "messages come out of order":
      return [{ do: "deliver-out-of-order", messages: some + 1 }];
    case "messages are delivered twice":
      return [{ do: "deliver-twice", times: some }];
    case "messages are delivered twice, late":
      return [{ do: "deliver-twice", times: some, delayMs: 1_500 }];
    case "messages are lost":
      return [{ do: "lose", times: some }];
    case "the service refuses some rows":
      return [{ do: "fail", containing: poison, every: 1 }];
    default:
      return [];
  }
}
