import { setImmediate } from "node:timers";

/**
 * Keeps the caller's event loop turning. `for (r of records) if (!sink.write(r)) await sink.ready` never leaves the loop
 * where nothing has to be waited for: timers, sockets and signals would stand still until the last record. So a sink that
 * has held the loop for some milliseconds asks its caller to wait until the loop has turned once.
 */
export interface LoopTurns {
  now(): number;
  /** When the turn at hand was first looked at; undefined where it was not yet. */
  readonly since: number | undefined;
  /** Takes note of a turn that something is done in. */
  begin(): number;
  /** Calls back in a turn to come. One waiter a turn, first come, first served: several sinks share the loop fairly. */
  afterTurn(resume: () => void): void;
}

/** The clock and the loop, for tests to put their own in place. */
export interface Loop {
  now(): number;
  /** Calls back when the loop has seen to its timers and its input, as `setImmediate` does. */
  nextTurn(turned: () => void): void;
}

/** A turn that waits for nothing costs some 4 us with Node, a thousandth of what a sink takes of the loop at once. */
const runtimeLoop: Loop = { now: () => performance.now(), nextTurn: (turned) => void setImmediate(turned) };

/** One for each thread, shared by its sinks. */
export function loopTurns(loop: Loop = runtimeLoop): LoopTurns {
  const waiting: (() => void)[] = [];
  let since: number | undefined;
  let isAsked = false;

  function ask(): void {
    if (isAsked) return;
    isAsked = true;
    loop.nextTurn(turned);
  }

  function turned(): void {
    isAsked = false;
    since = undefined;
    const resume = waiting.shift();
    if (waiting.length > 0) ask();
    resume?.();
  }

  return {
    now: loop.now,
    get since() {
      return since;
    },
    begin() {
      since = loop.now();
      ask();
      return since;
    },
    afterTurn(resume) {
      waiting.push(resume);
      ask();
    },
  };
}

/** One sink's share of the loop. */
export interface LoopBudget {
  /** The loop has been held long enough, and has not turned since. */
  readonly isSpent: boolean;
  /** Looks at the clock; returns after how many records to look again, so that it is looked at about once in `stepMs`. */
  look(): number;
}

/**
 * What a sink takes of the loop at once. A chunk that is being encoded comes on top, and so does the garbage collector: with
 * 3 ms the 99th percentile of the delay is 3 to 8 ms, with 5 ms it was up to 18, both at the same throughput (suite workers).
 */
const budgetMs = 3;
/** Between two looks: less for costly records, such as large nested ones. */
const stepMs = 0.5;
/** A look costs 50 ns: one a record would show. */
const mostRecordsUnseen = 64;

/** @param onTurned the loop has turned since the budget was spent: there may be room again. */
export function loopBudget(turns: LoopTurns, onTurned: () => void): LoopBudget {
  let isSpent = false;
  let lastLook = 0;
  let records = mostRecordsUnseen / 2;

  function resume(): void {
    isSpent = false;
    onTurned();
  }

  return {
    get isSpent() {
      return isSpent;
    },
    look() {
      if (isSpent) return records;
      if (turns.since === undefined) {
        lastLook = turns.begin();
        return records;
      }
      const now = turns.now();
      const step = now - Math.max(lastLook, turns.since);
      lastLook = now;
      if (step > stepMs) records = Math.max(1, records >> 1);
      else if (step < stepMs / 4) records = Math.min(mostRecordsUnseen, records << 1);
      if (now - turns.since >= budgetMs) {
        isSpent = true;
        turns.afterTurn(resume);
      }
      return records;
    },
  };
}
