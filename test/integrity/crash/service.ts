import type { ScenarioFault } from "../../../src/emulator/faults/scenario.ts";
import type { PlayedScenario } from "../../../src/emulator/faults.ts";
import type { ChildPlan } from "./points.ts";

/** Where the writers of a trial write, as the kit sees it. */
export interface CrashService {
  /** What a writer is told of it. Empty: there is nothing of the kind. */
  readonly url: string;
  readonly database: string;
  create(table: string): Promise<void>;
  drop(table: string): Promise<void>;
  addColumn(table: string, column: string): Promise<void>;
  /** How often each id is there, by a reader that is not ours. */
  counts(plan: ChildPlan): Promise<Map<number, number>>;
  /** The newest epoch that is decided on there, while its rows may be on their way. 0: none, or nothing tells. */
  newestEpoch(plan: ChildPlan): Promise<number>;
  play(faults: readonly ScenarioFault[]): PlayedScenario;
  clearFaults(): void;
  close(): Promise<void>;
}
