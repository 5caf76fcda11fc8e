import { setMaxListeners } from "node:events";
import { setImmediate as afterTick } from "node:timers/promises";
import { aborted, MillraceError, throwIfAborted } from "../errors.ts";
import { download } from "./blobs/requests.ts";
import { openDataDirectory } from "./data-directory.ts";
import { checkOptions, type EmulatorOptions } from "./emulator-options.ts";
import { openCatalogue } from "./engine/catalogue.ts";
import type { EmulatorClock } from "./engine/clock.ts";
import { startMaintenance } from "./engine/merging.ts";
import { openStore } from "./engine/open-store.ts";
import { messageFaultPlan } from "./faults/message-faults.ts";
import { faultPlan, placesOf } from "./faults/request-faults.ts";
import { type Faults, faults, type Outage } from "./faults.ts";
import { endpointRefusal, kustoEndpoint } from "./http/server.ts";
import { defaultBatching } from "./ingest/batching-policy.ts";
import { identityTokens } from "./ingest/identity-tokens.ts";
import { messageRights } from "./ingest/message-rights.ts";
import { startQueueReader } from "./ingest/queue-reader.ts";
import { queuedOperations } from "./ingest/queued-operations.ts";
import type { FailureRecord } from "./ingest/report.ts";
import { loadLanguage } from "./kql/language.ts";
import { type Listener, listen } from "./listener/listener.ts";
import { requireOptionalPackages } from "./optional-package.ts";
import { emulatorAuthentication } from "./security/authentication.ts";
import { startAuthority } from "./security/authority.ts";
import { type EmulatorSecurity, emulatorSecurity } from "./security/security.ts";
import { randomAccount } from "./storage/accounts.ts";
import { type Storage, startStorage } from "./storage/storage.ts";

/** A Kusto on this machine. */
export interface Emulator {
  /** `http://127.0.0.1:PORT`: data management and engine endpoint in one. */
  readonly url: string;
  /** The databases it serves. */
  readonly databases: readonly string[];
  /** Azurite behind it, for those who look: the first account's origins as clients see them, and the process. */
  readonly storage: { readonly blob: string; readonly queue: string; readonly table: string; readonly pid: number };
  readonly faults: Faults;
  /** Its time, which tests can speed up or put forward. */
  readonly clock: EmulatorClock;
  /** How to log in; undefined without the option `security`. */
  readonly security: EmulatorSecurity | undefined;
  /** Stops everything, and forgets the data where no directory keeps it; may be called again and again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a local Kusto: queued and streaming ingestion, commands and queries, over real Azurite and real DuckDB. All
 * data is in memory, or in the directory `data`. Whatever ends this process, Azurite's process ends with it.
 *
 * @throws MillraceError MISSING_PACKAGE, BAD_OPTION, ABORTED, and of the directory: STATE_IN_USE, STATE_FOREIGN,
 * STATE_DAMAGED, STATE_UNWRITABLE.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const checked = checkOptions(options);
  throwIfAborted(checked.signal, "starting the emulator");
  // Before anything is started, or written to the data directory.
  requireOptionalPackages();
  const plan = faultPlan();
  const failures: FailureRecord[] = [];
  const operations = queuedOperations();
  const directory =
    checked.data === undefined ? undefined : await openDataDirectory(checked.data, checked.storageAccounts);
  const accounts = directory?.accounts ?? Array.from({ length: checked.storageAccounts }, randomAccount);
  const tokens = identityTokens(Date.now, directory?.tokenKey);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // each request that a fault slows listens, for as long as its client waits
  const storageStarted = startStorage({
    plan,
    accounts,
    durable: directory,
    sasLifeMs: checked.sasLifeMs,
    node: checked.node,
    signal: checked.signal,
  });
  // Azurite takes a second to start, in a process of its own. The store and the parser, whose first parse takes as long,
  // are made ready meanwhile: once the child is there, for they keep this thread busy.
  const partsReady = afterTick().then(async () => {
    const store = directory?.store ?? (await openStore());
    const close = () => (directory ? directory.close() : store.close());
    try {
      const catalogue = await openCatalogue(store, checked.databases);
      return { catalogue, language: await loadLanguage(), close };
    } catch (error) {
      close();
      throw error;
    }
  });
  const securityStarted = checked.security && startAuthority(checked.security);
  const [[storage, { catalogue, language, close: closeStore }], authority] = await bothOrNeither(
    bothOrNeither(storageStarted, partsReady).then(closable),
    Promise.resolve(securityStarted),
  );
  const { blob, queue, table } = storage.fronts;
  await directory?.started(storage.azurite.pid, { blob: blob.ports, queue: queue.ports, table: table.ports });
  const authentication = authority && emulatorAuthentication(checked.security!, authority, catalogue);
  const endpoint = kustoEndpoint({
    authentication,
    loginEndpoint: authority?.host,
    catalogue,
    storage,
    failures,
    operations,
    tokens,
    open: (url) => download(storage.direct(url), closing.signal),
    plan,
    language,
    signal: closing.signal,
  });
  let listener: Listener;
  try {
    listener = await listen(endpoint, { port: checked.port, refusal: endpointRefusal });
  } catch (error) {
    await Promise.all([storage.close(), authority?.close()]);
    closeStore();
    if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
    throw new MillraceError(
      "BAD_OPTION",
      `Port ${checked.port} is taken; give the emulator another, or 0 for a free one.`,
      {
        cause: error,
        context: { option: "port" },
      },
    );
  }
  const messages = messageFaultPlan(catalogue.clock.wait);
  const reader = startQueueReader({
    catalogue,
    storage,
    failures,
    operations,
    batching: { ...defaultBatching, timeMs: checked.batchingTimeMs },
    visibilityMs: checked.visibilityTimeoutMs,
    blobRetentionMs: checked.blobRetentionMs,
    faults: messages,
    ...(authentication && { authorize: messageRights(authentication, tokens, catalogue) }),
  });
  const maintenance = startMaintenance(catalogue, checked.maintenanceIntervalMs);
  let closed: Promise<void> | undefined;
  const close = () =>
    (closed ??= (async () => {
      checked.signal?.removeEventListener("abort", close);
      closing.abort();
      await Promise.all([listener.close(), reader.close(), maintenance.close(), authority?.close()]);
      await catalogue.operations.close();
      await storage.close();
      closeStore();
    })());
  checked.signal?.addEventListener("abort", close, { once: true });
  // Starting keeps this thread busy, so the signal may have fired since it was last looked at.
  if (checked.signal?.aborted) {
    await close();
    throw aborted(checked.signal, "starting the emulator");
  }
  return {
    url: listener.origin,
    get databases() {
      return [...catalogue.databases.values()].map(({ name }) => name);
    },
    storage: {
      blob: storage.fronts.blob.origins[0]!,
      queue: storage.fronts.queue.origins[0]!,
      table: storage.fronts.table.origins[0]!,
      pid: storage.azurite.pid,
    },
    faults: faults({
      plan,
      messages,
      clock: catalogue.clock,
      accounts: storage.accounts.length,
      refuse: outages(listener, storage.fronts),
    }),
    clock: catalogue.clock,
    security: authority && emulatorSecurity(checked.security!, authority),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Refuses connections at the Kusto endpoint, at storage, or at one service or account of it. */
function outages(listener: Listener, fronts: Storage["fronts"]): Outage {
  return async (at, forMs, account) => {
    const struck = placesOf(at).flatMap((place) => (place in fronts ? [fronts[place as keyof typeof fronts]] : []));
    const isKusto = at === "kusto" || at === "all";
    await Promise.all([isKusto && listener.outage(forMs), ...struck.map((front) => front.outage(forMs, account))]);
  };
}

interface Closable {
  close(): unknown;
}

/** Waits for both; if one fails, the other is closed, so that nothing stays behind. */
async function bothOrNeither<A extends Closable | undefined, B extends Closable | undefined>(
  a: Promise<A>,
  b: Promise<B>,
): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === "fulfilled" && second.status === "fulfilled") return [first.value, second.value];
  if (first.status === "fulfilled") await first.value?.close();
  if (second.status === "fulfilled") await second.value?.close();
  throw first.status === "rejected" ? first.reason : (second as PromiseRejectedResult).reason;
}

function closable<A extends Closable, B extends Closable>(both: [A, B]): [A, B] & Closable {
  return Object.assign(both, { close: () => Promise.all(both.map((each) => each.close())) });
}
