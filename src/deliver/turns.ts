/** One epoch's turn. */
export interface Turn {
  /** Resolves when the epoch before it has had its turn; rejects where that one failed. */
  readonly before: Promise<void>;
  /** Ends the turn: the next need not wait for the rest. Else it ends with the epoch. */
  done(): void;
}

/** Gives each epoch its turn, in the order of the calls. Where one fails, those behind it fail with it. */
export function inOrder(): (commit: (turn: Turn) => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (commit) => {
    const before = last;
    let committed!: Promise<void>;
    last = new Promise((done, fail) => {
      committed = commit({ before, done });
      committed.then(done, fail);
    });
    last.catch(() => {}); // told by the epoch
    return committed;
  };
}
