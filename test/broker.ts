import type { Lease, Positions, Slice, Source } from "../src/source/source.ts";

interface Message {
  readonly n: number;
  /** Of its newest delivery; undefined: it waits in the queue. */
  receipt: number | undefined;
}

/** A queue as SQS has it: a message that was received is hidden, until it is deleted, given back, or its lease runs out. */
export interface Broker {
  /** Messages that were not deleted. */
  readonly left: number;
  /** Messages that a receiver would be given now. */
  readonly visible: number;
  /** Messages received, each as often as it was. */
  readonly received: readonly number[];
  receive(most: number): { readonly n: number; readonly receipt: number }[];
  /** Deletes, by the newest receipt: an older one is not known any more. */
  remove(receipt: number): void;
  giveBack(receipt: number): void;
  /** The time of all leases is over. */
  expire(): void;
}

export function broker(count: number): Broker {
  const messages: Message[] = Array.from({ length: count }, (_, n) => ({ n, receipt: undefined }));
  const received: number[] = [];
  let receipts = 0;
  return {
    get left() {
      return messages.length;
    },
    get visible() {
      return messages.filter(({ receipt }) => receipt === undefined).length;
    },
    received,
    receive(most) {
      const taken = messages.filter(({ receipt }) => receipt === undefined).slice(0, most);
      return taken.map((message) => {
        message.receipt = receipts++;
        received.push(message.n);
        return { n: message.n, receipt: message.receipt };
      });
    },
    remove(receipt) {
      const at = messages.findIndex((message) => message.receipt === receipt);
      if (at >= 0) messages.splice(at, 1);
    },
    giveBack(receipt) {
      for (const message of messages) if (message.receipt === receipt) message.receipt = undefined;
    },
    expire() {
      for (const message of messages) message.receipt = undefined;
    },
  };
}

/** Reads a broker until nothing is left. A class, as clients of brokers are: its methods are not its own properties. */
export class BrokerSource implements Source<{ n: number }> {
  readonly name = "broker";
  readonly recovery = "redelivery";
  readonly #broker: Broker;
  readonly #perSlice: number;
  /** Receipts by the position of their slice. */
  readonly #held = new Map<number, number[]>();
  readonly calls: string[] = [];
  extensions = 0;
  onAcknowledge: () => void = () => {};
  onExtend: () => void = () => {};
  breakAt = Infinity;

  constructor(from: Broker, perSlice = 3) {
    this.#broker = from;
    this.#perSlice = perSlice;
  }

  get lease(): Lease {
    return {
      everyMs: 1,
      extend: async () => {
        this.extensions++;
        this.onExtend();
      },
    };
  }

  async *read(from: Positions, signal: AbortSignal): AsyncGenerator<Slice<{ n: number }>> {
    this.calls.push(`read from ${JSON.stringify(from)}`);
    for (let position = 1; !signal.aborted; position++) {
      if (position >= this.breakAt) throw new Error("the connection broke");
      const messages = this.#broker.receive(this.#perSlice);
      if (messages.length === 0) return;
      this.#held.set(
        position,
        messages.map(({ receipt }) => receipt),
      );
      yield { partition: "queue", position, records: messages.map(({ n }) => ({ n })) };
      await new Promise(setImmediate);
    }
  }

  async acknowledge({ queue = 0 }: Positions): Promise<void> {
    this.onAcknowledge();
    for (const [position, receipts] of this.#held) {
      if (position > (queue as number)) continue;
      for (const receipt of receipts) this.#broker.remove(receipt);
      this.#held.delete(position);
    }
    this.calls.push("acknowledge");
  }

  async release(): Promise<void> {
    for (const receipt of [...this.#held.values()].flat()) this.#broker.giveBack(receipt);
    this.calls.push("release");
  }

  async close(): Promise<void> {
    this.calls.push("close");
  }
}
