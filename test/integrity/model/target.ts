import type { EpochCommitter, EpochContext } from "../../../src/destination/destination.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What the trial's writers commit into. */
export interface ModelTarget {
  /** Of the state's job: guarantee and mode. */
  readonly delivery: string;
  /** Rows of epochs that a state does not know yet may arrive while its process runs: those of a zombie. */
  readonly isLate: boolean;
  /** A text that the target refuses, and that goes to the dead letter. */
  badRecord(number: number): string;
  /** Connects one process, which is dead once the signal has fired. */
  open(context: EpochContext, killed: AbortSignal): Promise<EpochCommitter>;
  /** The machine of the writers loses its power. */
  powerLoss(): void;
  /** What happens by itself, as time goes on. */
  work(now: number): void;
  /** How often each record is there. */
  counts(): Promise<ReadonlyMap<string, number>>;
}

export type MakeTarget = (random: () => number, time: VirtualTime) => ModelTarget;
