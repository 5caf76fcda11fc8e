import type { Lease, Positions, Slice, Source } from "../../src/source/source.ts";

interface Message {
  readonly n: number;
  /** Of its newest delivery; undefined: it was never received. */
  receipt: number | undefined;
  hiddenUntil: number;
}

/** A queue as SQS has it, with a clock that the test moves. */
export interface Queue {
  readonly keys: string[];
  readonly leaseMs: number;
  put(): string;
  elapse(ms: number): void;
  ready(): number;
  receive(most: number): { readonly n: number; readonly receipt: number }[];
  remove(receipt: number): void;
  hide(receipt: number, ms: number): void;
  onChange(act: () => void): () => void;
}

export const leaseMs = 30_000;

export function queue(count = 29): Queue {
  const messages: Message[] = [];
  const keys: string[] = [];
  const listeners = new Set<() => void>();
  let now = 0;
  let receipts = 0;
  const changed = () => {
    for (const listener of listeners) listener();
  };
  const visible = () => messages.filter(({ hiddenUntil }) => hiddenUntil <= now);
  function put(): string {
    const n = keys.length;
    messages.push({ n, receipt: undefined, hiddenUntil: 0 });
    keys.push(`message ${n}`);
    changed();
    return keys[n]!;
  }
  for (let n = 0; n < count; n++) put();
  return {
    ...{ keys, leaseMs, put, ready: () => visible().length },
    elapse(ms) {
      now += ms;
      changed();
    },
    receive(most) {
      return visible()
        .slice(0, most)
        .map((message) => {
          message.receipt = receipts++;
          message.hiddenUntil = now + leaseMs;
          return { n: message.n, receipt: message.receipt };
        });
    },
    remove(receipt) {
      const at = messages.findIndex((message) => message.receipt === receipt);
      if (at >= 0) messages.splice(at, 1);
    },
    hide(receipt, ms) {
      for (const message of messages) if (message.receipt === receipt) message.hiddenUntil = now + ms;
      changed();
    },
    onChange(act) {
      listeners.add(act);
      return () => listeners.delete(act);
    },
  };
}

export const keyOf = ({ n }: { n: number }) => `message ${n}`;

/** Polls a queue, and ends where it is empty; a live one waits. */
export class QueueSource implements Source<{ n: number }> {
  readonly name = "queue";
  readonly recovery = "redelivery";
  readonly #queue: Queue;
  readonly #isLive: boolean;
  /** Receipts by the position of their slice. */
  readonly held = new Map<number, number[]>();

  constructor(of: Queue, isLive = false) {
    this.#queue = of;
    this.#isLive = isLive;
  }

  get lease(): Lease {
    return {
      everyMs: leaseMs / 3,
      extend: async () => {
        for (const receipt of [...this.held.values()].flat()) this.#queue.hide(receipt, leaseMs);
      },
    };
  }

  async *read(_from: Positions, signal: AbortSignal): AsyncGenerator<Slice<{ n: number }>> {
    for (let position = 1; !signal.aborted; ) {
      const messages = this.#queue.receive(3);
      if (messages.length > 0) {
        this.held.set(
          position,
          messages.map(({ receipt }) => receipt),
        );
        yield { partition: "queue", position: position++, records: messages.map(({ n }) => ({ n })) };
      } else if (!this.#isLive) return;
      else
        await new Promise<void>((resolve) => {
          const end = () => {
            forget();
            signal.removeEventListener("abort", end);
            resolve();
          };
          const forget = this.#queue.onChange(end);
          signal.addEventListener("abort", end);
        });
    }
  }

  async acknowledge({ queue = 0 }: Positions): Promise<void> {
    for (const [position, receipts] of this.held) {
      if (position > (queue as number)) continue;
      for (const receipt of receipts) this.#queue.remove(receipt);
      this.held.delete(position);
    }
  }

  async release(): Promise<void> {
    for (const receipt of [...this.held.values()].flat()) this.#queue.hide(receipt, 0);
  }
}
