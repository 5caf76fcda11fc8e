import type { PartitionOwnership, Positions, ReadContext, Slice, Source } from "../../src/source/source.ts";

/** A record of a topic. */
export interface Event {
  readonly partition: string;
  readonly n: number;
}

interface Member {
  /** What the group wants it to have. */
  share: Set<string>;
  onChange(): void;
}

/** A log in partitions, as Kafka has it, with a group that shares them and the group's offsets. */
export interface Topic {
  readonly keys: string[];
  readonly partitions: ReadonlyMap<string, Event[]>;
  readonly offsets: Map<string, number>;
  /** Who has a partition. It is given to another when its owner has given it up. */
  readonly owners: Map<string, Member>;
  put(): string;
  /** The connections of all readings break. */
  interrupt(): void;
  readonly breaks: number;
  onPut(act: () => void): () => void;
  join(member: Member): void;
  leave(member: Member): void;
  giveUp(member: Member, partitions: Iterable<string>): void;
}

export function topic(records = 37, names = ["a", "b", "c"]): Topic {
  const partitions = new Map(names.map((name) => [name, [] as Event[]]));
  const keys: string[] = [];
  const listeners = new Set<() => void>();
  const members = new Set<Member>();
  const owners = new Map<string, Member>();
  let breaks = 0;

  function put(): string {
    const n = keys.length;
    const partition = names[(n * 7 + (n >> 2)) % names.length]!;
    partitions.get(partition)!.push({ partition, n });
    keys.push(`event ${n}`);
    for (const listener of listeners) listener();
    return keys[n]!;
  }

  function share(): void {
    const all = [...members];
    for (const [i, member] of all.entries())
      member.share = new Set(names.filter((_, index) => index % all.length === i));
    for (const member of all) member.onChange();
  }

  function giveUp(member: Member, given: Iterable<string>): void {
    for (const partition of given) if (owners.get(partition) === member) owners.delete(partition);
    for (const each of members) each.onChange();
  }

  for (let n = 0; n < records; n++) put();
  return {
    ...{ keys, partitions, owners, put, giveUp, offsets: new Map() },
    interrupt() {
      breaks++;
      for (const listener of listeners) listener();
    },
    get breaks() {
      return breaks;
    },
    onPut(act) {
      listeners.add(act);
      return () => listeners.delete(act);
    },
    join(member) {
      members.add(member);
      share();
    },
    leave(member) {
      members.delete(member);
      giveUp(member, names);
      share();
    },
  };
}

export const keyOf = ({ n }: Event) => `event ${n}`;

/** What a mutant does otherwise. */
export interface TopicFaults {
  /** Gives partitions to the group's next owner without a checkpoint. */
  givesUpAtOnce?: boolean;
  /** Goes by its own checkpoint where the group has a later offset. */
  ignoresOffsets?: boolean;
  /** Takes a broken connection for the end. */
  endsAtBreak?: boolean;
}

export interface TopicOptions {
  readonly isLive?: boolean;
  readonly isGroup?: boolean;
  readonly perSlice?: number;
  readonly faults?: TopicFaults;
}

/** Reads a topic, some records of each partition in turn. A class: its methods are not its own properties. */
export class TopicSource implements Source<Event> {
  readonly name = "topic";
  readonly recovery = "position";
  readonly #topic: Topic;
  readonly #options: TopicOptions;
  #stopped = false;
  #wake = () => {};

  constructor(of: Topic, options: TopicOptions = {}) {
    this.#topic = of;
    this.#options = options;
  }

  async *read(from: Positions, signal: AbortSignal, context?: ReadContext): AsyncGenerator<Slice<Event>> {
    const { isLive, isGroup, perSlice = 3, faults = {} } = this.#options;
    const topic = this.#topic;
    const offsets = new Map<string, number>();
    const begun = topic.breaks;
    let isChanged = false;
    const member: Member = {
      share: new Set(),
      onChange: () => {
        isChanged = true;
        this.#wake();
      },
    };
    const wake = () => this.#wake();
    signal.addEventListener("abort", wake);
    const forget = topic.onPut(wake);
    let held = new Set(isGroup ? [] : topic.partitions.keys());
    if (!isGroup) for (const name of held) offsets.set(name, offsetIn(from, name));
    if (isGroup) topic.join(member);
    try {
      while (!signal.aborted && !this.#stopped) {
        if (topic.breaks > begun) {
          if (faults.endsAtBreak) return;
          throw new Error("the connection broke");
        }
        if (isChanged) {
          isChanged = false;
          held = await this.#rebalanced(held, member, offsets, context!.partitions);
          continue;
        }
        let isIdle = true;
        for (const partition of held) {
          const at = offsets.get(partition)!;
          const records = topic.partitions.get(partition)!.slice(at, at + perSlice);
          if (records.length === 0 || isChanged || signal.aborted || this.#stopped) continue;
          isIdle = false;
          offsets.set(partition, at + records.length);
          const place = (i: number) => `${partition}@${at + i}`;
          yield { partition, position: { offset: at + records.length }, records, placeOf: place };
          if (topic.breaks > begun) break;
          if (isGroup) await new Promise(setImmediate);
        }
        if (!isIdle || isChanged || topic.breaks > begun) continue;
        if (!isLive || signal.aborted || this.#stopped) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      forget();
      signal.removeEventListener("abort", wake);
      if (isGroup) topic.leave(member);
    }
  }

  /** Gives up what the group takes away, and takes what it gives, as far as nobody else has it. */
  async #rebalanced(
    held: Set<string>,
    member: Member,
    offsets: Map<string, number>,
    partitions: PartitionOwnership,
  ): Promise<Set<string>> {
    const { faults = {} } = this.#options;
    const { owners, offsets: groups } = this.#topic;
    const given = [...held].filter((each) => !member.share.has(each));
    if (given.length > 0) {
      if (!faults.givesUpAtOnce) await partitions.revoked(given, 1_000);
      this.#topic.giveUp(member, given);
    }
    const kept = [...held].filter((each) => !given.includes(each));
    const taken = [...member.share].filter((each) => !held.has(each) && !owners.has(each));
    for (const name of taken) owners.set(name, member);
    const known = taken.length > 0 ? await partitions.assigned(taken) : {};
    for (const name of taken) {
      const own = offsetIn(known, name);
      offsets.set(name, faults.ignoresOffsets ? own : Math.max(own, groups.get(name) ?? 0));
    }
    return new Set([...kept, ...taken]);
  }

  async acknowledge(positions: Positions): Promise<void> {
    for (const name of Object.keys(positions)) this.#topic.offsets.set(name, offsetIn(positions, name));
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }
}

function offsetIn(positions: Positions, partition: string): number {
  return (positions[partition] as { offset: number } | undefined)?.offset ?? 0;
}
