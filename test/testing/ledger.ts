import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import type { EpochHandle, EpochRange, RefusedRows } from "../../src/checkpoint/epoch.ts";
import { agree, nameOf } from "../../src/deliver/held-epochs.ts";
import type { Destination, EpochCommitter, EpochContext } from "../../src/destination/destination.ts";
import { MillraceError, throwIfAborted } from "../../src/errors.ts";
import type { ContractRow, DestinationUnderTest, TargetCall } from "../../src/testing/index.ts";

// A destination as somebody writes it for a database with transactions: rows and marks of epochs in one of them.

/** What a mutant does otherwise. */
export interface LedgerFaults {
  nameIsDrawn?: boolean;
  identityIsDrawn?: boolean;
  losesLastRow?: boolean;
  stagesOnce?: boolean;
  stagesInMemory?: boolean;
  waitsWhenAborted?: boolean;
  closesOnce?: boolean;
  comparesEpochsAsText?: boolean;
  trustsDoubt?: boolean;
  marksApart?: boolean;
  checksApart?: boolean;
  tellsDoubtLate?: boolean;
  hangsWhenAborted?: boolean;
  hidesRefusedRows?: boolean;
  committerClosesOnce?: boolean;
  isNotFenced?: boolean;
  acceptsOutdated?: boolean;
  acceptsLost?: boolean;
  forgetsAcceptance?: boolean;
  oneHolderPerTable?: boolean;
}

interface Mark {
  readonly job: string;
  readonly epoch: number;
  readonly identity: string | undefined;
}

interface Target {
  readonly rows: ContractRow[];
  readonly blobs: Map<string, Uint8Array>;
  readonly loaded: Set<string>;
  readonly marks: Map<string, Mark>;
  readonly holders: Map<string, string>;
}

export const refusedText = "no such value";

const fenced = () => new MillraceError("STATE_FENCED", "Another process has the job.");

function rowsOf(packed: Uint8Array): ContractRow[] {
  const rows: string[][] = parse(gunzipSync(packed));
  return rows.map(([n, text]) => ({ n: Number(n), text: text! }));
}

export function ledger(faults: LedgerFaults = {}): DestinationUnderTest {
  const target: Target = { rows: [], blobs: new Map(), loaded: new Set(), marks: new Map(), holders: new Map() };
  return {
    destination: (call) => new LedgerDestination(target, call, faults),
    rows: () => target.rows,
    isRepeatable: true,
    refusedText,
  };
}

let drawn = 0;

/** A class with private members, as clients are. */
class LedgerDestination implements Destination {
  readonly name: string;
  readonly identity: string;
  readonly #target: Target;
  readonly #call: TargetCall;
  readonly #faults: LedgerFaults;

  constructor(target: Target, call: TargetCall, faults: LedgerFaults) {
    this.#target = target;
    this.#call = call;
    this.#faults = faults;
    this.name = `ledger${faults.nameIsDrawn ? drawn++ : ""}`;
    this.identity = `ledger${faults.identityIsDrawn ? drawn++ : ""}`;
  }

  async open(): ReturnType<Destination["open"]> {
    const { blobs: stored, loaded, rows } = this.#target;
    const call = this.#call;
    const { stagesOnce, stagesInMemory, waitsWhenAborted, losesLastRow } = this.#faults;
    const blobs = stagesInMemory ? new Map<string, Uint8Array>() : stored;
    const close = closing(this.#faults.closesOnce);
    return {
      async stage(batch, signal) {
        if (waitsWhenAborted && signal.aborted) await new Promise(() => {});
        throwIfAborted(signal, "staging");
        const bytes = Buffer.concat(batch.parts);
        await call(async () => {
          if (stagesOnce && blobs.has(batch.id)) throw new Error("it exists");
          blobs.set(batch.id, bytes);
        });
        return { id: batch.id, place: batch.id, rows: batch.rows, rawBytes: batch.rawBytes };
      },
      submit: ({ id, place }) =>
        call(async () => {
          if (loaded.has(id)) return;
          const bytes = blobs.get(place);
          if (!bytes && stagesInMemory) return;
          if (!bytes) throw new MillraceError("PLACE_GONE", "It is gone.", { retryable: true });
          rows.push(...rowsOf(bytes).slice(0, losesLastRow ? -1 : undefined));
          loaded.add(id);
        }),
      outcomes: async (ids) => ids.map((id) => ({ id, status: "landed" as const })),
      close,
    };
  }

  async openEpochs(context: EpochContext): Promise<EpochCommitter> {
    const { marks, holders } = this.#target;
    const { acceptsOutdated, acceptsLost, forgetsAcceptance, oneHolderPerTable } = this.#faults;
    const { history } = context;
    const table = context.table.name;
    const holder = oneHolderPerTable ? table : nameOf(history.job);
    const held = await this.#call(async () =>
      [...marks.values()].filter(({ job }) => nameOf(job) === nameOf(history.job)).map(rangeOf),
    );
    const isBlind = context.acceptDuplicates ? forgetsAcceptance : history.isNew ? acceptsLost : acceptsOutdated;
    if (isBlind) await history.recordLineage([]);
    else await agree({ ...context, table }, held);
    await this.#call(async () => void holders.set(holder, history.lineage));
    return {
      commit: (epoch, signal, hooks) => this.#commit(epoch, holder, history.lineage, signal, hooks),
      close: closing(this.#faults.committerClosesOnce),
    };
  }

  async #commit(
    epoch: EpochHandle,
    holder: string,
    lineage: string,
    signal: AbortSignal,
    hooks: Parameters<EpochCommitter["commit"]>[2],
  ): Promise<void> {
    const { rows, marks, holders } = this.#target;
    const faults = this.#faults;
    const { job, prepared } = epoch;
    const { epoch: number, identity } = prepared;
    const key = JSON.stringify([job, number]);
    const doubt = { state: "IN_DOUBT", detail: { step: "INSERTING" } } as const;
    if (faults.trustsDoubt && epoch.progress.state === "IN_DOUBT") return epoch.advance({ state: "COMMITTED" });
    if (!faults.tellsDoubtLate) await epoch.advance(doubt);
    if (faults.hangsWhenAborted && signal.aborted) await new Promise(() => {});
    const inserted: ContractRow[] = [];
    const refused: Record<string, { row: number; reason: string }[]> = {};
    for (const batch of prepared.batches) {
      const all = rowsOf(await epoch.read(batch));
      const isRefused = ({ text }: ContractRow) => text === refusedText;
      inserted.push(...all.filter((row) => !isRefused(row)));
      const bad = all.flatMap((row, index) => (isRefused(row) ? [{ row: index, reason: "as asked for" }] : []));
      if (bad.length > 0) refused[batch.id] = bad;
    }
    const isSound = Object.keys(refused).length === 0;
    if (!isSound && !faults.hidesRefusedRows) await hooks.onRowsRefused(epoch, refused as RefusedRows);

    /** Is it there? Within a transaction. */
    const isMarked = () => {
      const mark = marks.get(key);
      if (!faults.isNotFenced) {
        if (holders.get(holder) !== lineage) throw fenced();
        if (mark && mark.identity !== identity) throw fenced();
      }
      const newest = [...marks.values()].filter((each) => each.job === job).map((each) => String(each.epoch));
      return (
        mark !== undefined || (faults.comparesEpochsAsText === true && newest.some((each) => each > String(number)))
      );
    };
    const mark = () => void marks.set(key, { job, epoch: number, identity });
    if (faults.marksApart) {
      const wasMarked = await this.#call(async () => {
        const before = isMarked();
        mark();
        return before;
      });
      if (!wasMarked) await this.#call(async () => void rows.push(...inserted));
    } else if (faults.checksApart) {
      const wasMarked = await this.#call(async () => isMarked());
      if (!wasMarked)
        await this.#call(async () => {
          rows.push(...inserted);
          mark();
        });
    } else
      await this.#call(async () => {
        if (isMarked()) return;
        rows.push(...inserted);
        mark();
      });
    if (faults.tellsDoubtLate) await epoch.advance(doubt);
    await epoch.advance({ state: "COMMITTED" }, isSound ? undefined : refused);
  }
}

function rangeOf({ job, epoch, identity }: Mark): EpochRange {
  return { job, lineage: identity?.split(".")[0], oldest: epoch, newest: epoch };
}

function closing(isOnce: boolean | undefined): () => Promise<void> {
  let isClosed = false;
  return async () => {
    if (isOnce && isClosed) throw new Error("it is closed");
    isClosed = true;
  };
}
