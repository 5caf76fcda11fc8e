import type { FaultPlan } from "../faults/request-faults.ts";
import { type ProxyOptions, type StorageProxy, startProxy } from "./proxy.ts";

/** One service of storage as clients see it: every account has an origin of its own, so that one can die alone. */
export interface StorageFront {
  /** By the number of the account. */
  readonly origins: readonly string[];
  readonly ports: readonly number[];
  /** The same URL as Azurite knows it, if it is one of ours. */
  toAzurite(url: string): string | undefined;
  /** Refuses connections for so long, of all accounts or of one. */
  outage(forMs: number, account?: number): Promise<void>;
  close(): Promise<void>;
}

export interface FrontOptions {
  readonly place: ProxyOptions["place"];
  readonly target: string;
  readonly accounts: number;
  /** The ports of an earlier run, by account. */
  readonly ports?: readonly number[] | undefined;
  readonly plan: FaultPlan;
  readonly onDone?: ProxyOptions["onDone"];
}

export async function startFront({ accounts, ports, ...options }: FrontOptions): Promise<StorageFront> {
  const proxies: StorageProxy[] = [];
  for (let account = 0; account < accounts; account++)
    proxies.push(await startProxy({ ...options, account, port: ports?.[account] }));
  return {
    origins: proxies.map(({ origin }) => origin),
    ports: proxies.map(({ port }) => port),
    toAzurite(url) {
      for (const proxy of proxies) {
        const direct = proxy.toAzurite(url);
        if (direct !== undefined) return direct;
      }
      return undefined;
    },
    async outage(forMs, account) {
      const struck = proxies.filter((_, index) => account === undefined || account === index);
      await Promise.all(struck.map((proxy) => proxy.outage(forMs)));
    },
    async close() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
    },
  };
}
