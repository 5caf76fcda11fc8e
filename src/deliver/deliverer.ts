import { setMaxListeners } from "node:events";
import { sortOf } from "../arguments.ts";
import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { DestinationSession, StagedBatch } from "../destination/destination.ts";
import type { Payload } from "../encode/payload.ts";
import { isCode, MillraceError } from "../errors.ts";
import { asMillraceError, type Retry, type RetryPolicy, withRetries } from "./backoff.ts";
import { type StatusWatch, statusWatch } from "./status-watch.ts";
import { unlessAborted } from "./unless-aborted.ts";

type AnyBatch = SealedBatch<Payload>;

export type DeliveryStage = "stage" | "submit" | "outcome";

export interface BatchRetry extends Retry {
  readonly batch: AnyBatch;
  readonly stage: DeliveryStage;
}

/** A batch did not arrive. */
export class DeliveryError extends MillraceError {
  /** Where it broke. */
  readonly stage: DeliveryStage;

  constructor(stage: DeliveryStage, ...rest: ConstructorParameters<typeof MillraceError>) {
    super(...rest);
    this.stage = stage;
  }
}

/** Told as it happens, with how long that step took, retries included; none may throw. */
export interface DelivererHooks {
  onStaged?(batch: AnyBatch, durationMs: number): void;
  onTaken?(batch: AnyBatch, durationMs: number): void;
  onLanded?(batch: AnyBatch, durationMs: number): void;
  onRetry?(retry: BatchRetry): void;
}

export interface Delivered {
  readonly id: string;
  readonly rows: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  /** `taken`: the service has the message. `landed`: the service has reported the rows as loaded. */
  readonly status: "taken" | "landed";
  /** Attempts of all steps together; 2 when nothing went wrong. */
  readonly attempts: number;
}

/** Brings sealed batches to a destination, retrying each step. How many at once is the caller's business. */
export interface Deliverer {
  /**
   * Resolves when the batch has been taken, or has landed with pollForIngestionStatus.
   *
   * @throws MillraceError that names table, batch, records and step, with the last failure's code and as its cause;
   *   ABORTED.
   */
  deliver(batch: AnyBatch): Promise<Delivered>;
  /** Ends what is under way and closes the session. */
  close(): Promise<void>;
}

/** How often a batch is submitted that the service took, failed, and called worth another try. */
const mostSubmissions = 5;

export function deliverer(
  session: DestinationSession<Payload>,
  policy: RetryPolicy,
  signal: AbortSignal,
  hooks: DelivererHooks = {},
): Deliverer {
  const controller = new AbortController();
  // Every batch in flight listens, and the caller has bounded how many there are.
  setMaxListeners(0, controller.signal);
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });

  const underWay = new Map<string, AnyBatch>();
  const { polling } = session;
  const watch =
    polling &&
    statusWatch(session, polling, controller.signal, (ids, error) => {
      for (const id of ids) {
        const batch = underWay.get(id);
        if (batch) hooks.onRetry?.({ batch, stage: "outcome", attempt: 1, delayMs: polling.intervalMs, error });
      }
    });

  async function deliver(batch: AnyBatch): Promise<Delivered> {
    const progress: DeliveryProgress = { stage: "stage", attempts: 0 };
    underWay.set(batch.id, batch);
    try {
      const stored = await stage(batch, progress);
      const started = performance.now();
      const staged = await submit(batch, stored, progress);
      hooks.onTaken?.(batch, performance.now() - started);
      if (watch) await land(batch, staged, progress, watch);
      return deliveredOf(batch, watch ? "landed" : "taken", progress.attempts);
    } catch (thrown) {
      throw failureOf(batch, progress, asMillraceError(thrown, `delivering batch ${batch.id}`));
    } finally {
      underWay.delete(batch.id);
    }
  }

  /** @throws MillraceError BAD_OPTION where a destination of the program's own says nothing of where it lies. */
  async function stagedOnce(batch: AnyBatch): Promise<StagedBatch> {
    const staged = await session.stage(batch, controller.signal);
    if (typeof staged?.id === "string") return staged;
    throw new MillraceError("BAD_OPTION", `stage() of the destination resolved to ${sortOf(staged)}; see StagedBatch.`);
  }

  async function stage(batch: AnyBatch, progress: DeliveryProgress): Promise<StagedBatch> {
    const started = performance.now();
    const staged = await step("stage", batch, progress, () => stagedOnce(batch));
    hooks.onStaged?.(batch, performance.now() - started);
    return staged;
  }

  /** Submits a staged batch, and stores it again where its first place is gone. Returns where it then lies. */
  async function submit(batch: AnyBatch, staged: StagedBatch, progress: DeliveryProgress): Promise<StagedBatch> {
    let place = staged;
    let isGone = false;
    await step("submit", batch, progress, async () => {
      if (isGone) place = await stagedOnce(batch);
      isGone = false;
      try {
        await session.submit(place, controller.signal);
      } catch (thrown) {
        isGone = isCode(thrown, "PLACE_GONE");
        throw thrown;
      }
    });
    return place;
  }

  async function land(
    batch: AnyBatch,
    staged: StagedBatch,
    progress: DeliveryProgress,
    watch: StatusWatch,
  ): Promise<void> {
    let place = staged;
    const started = performance.now();
    for (let submission = 1; ; submission++) {
      progress.stage = "outcome";
      const outcome = await watch.outcomeOf(batch.id);
      if (outcome === undefined) throw noWord(polling!.timeoutMs);
      if (outcome.status === "landed") return hooks.onLanded?.(batch, performance.now() - started);
      const error = new MillraceError("INGESTION_FAILED", `${outcome.errorCode}: ${outcome.details}`, {
        retryable: outcome.retryable,
        context: { errorCode: outcome.errorCode },
      });
      if (!outcome.retryable || submission === mostSubmissions) throw error;
      hooks.onRetry?.({ batch, stage: "outcome", attempt: submission, delayMs: 0, error });
      place = await submit(batch, place, progress);
    }
  }

  function step<T>(
    stage: DeliveryStage,
    batch: AnyBatch,
    progress: DeliveryProgress,
    act: () => Promise<T>,
  ): Promise<T> {
    progress.stage = stage;
    return withRetries(
      `${verbs[stage]} batch ${batch.id} of table ${batch.table}`,
      policy,
      controller.signal,
      () => {
        progress.attempts++;
        return unlessAborted(act(), controller.signal, `${verbs[stage]} batch ${batch.id}`);
      },
      (retry) => hooks.onRetry?.({ ...retry, batch, stage }),
    );
  }

  return {
    deliver,
    async close() {
      controller.abort(new MillraceError("CLOSED", "The deliverer was closed."));
      signal.removeEventListener("abort", onAbort);
      await session.close();
    },
  };
}

interface DeliveryProgress {
  stage: DeliveryStage;
  attempts: number;
}

const verbs: Readonly<Record<DeliveryStage, string>> = {
  stage: "uploading",
  submit: "submitting",
  outcome: "waiting for the status of",
};

function deliveredOf(batch: AnyBatch, status: Delivered["status"], attempts: number): Delivered {
  const { id, rows, rawBytes, packedBytes } = batch;
  return { id, rows, rawBytes, packedBytes, status, attempts };
}

function noWord(pollTimeoutMs: number): MillraceError {
  return new MillraceError(
    "STATUS_TIMEOUT",
    `the service took it, but gave no word of it within ${pollTimeoutMs} ms; it may still land. Raise pollTimeoutMs, or look at .show ingestion failures.`,
  );
}

/** The error that leaves here: which rows are concerned, where it broke, after how many attempts, and why. */
function failureOf(batch: AnyBatch, { stage, attempts }: DeliveryProgress, error: MillraceError): MillraceError {
  if (error.code === "ABORTED") return error;
  const { id, table, firstRecord, lastRecord } = batch;
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  return new DeliveryError(
    stage,
    error.code,
    `Table ${table}: batch ${id} (records ${firstRecord} to ${lastRecord}) failed while ${verbs[stage]} it, after ${times}: ${error.message}`,
    {
      retryable: error.retryable,
      cause: error,
      context: { ...error.context, table, batch: id, firstRecord, lastRecord, stage, attempts },
    },
  );
}
