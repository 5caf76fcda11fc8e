/** One epoch's turn. */
export interface Turn {
  /** Resolves when the epoch before it is committed; rejects where it failed. */
  readonly before: Promise<void>;
}

/** Gives each epoch its turn, in the order of the calls. Where one fails, those behind it fail with it. */
export function inOrder(): (commit: (turn: Turn) => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (commit) => {
    const committed = commit({ before: last });
    last = committed;
    last.catch(() => {}); // told by the epoch
    return committed;
  };
}
