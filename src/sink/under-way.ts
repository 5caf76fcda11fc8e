/** Work that is not done yet. None of its promises rejects. */
export interface UnderWay {
  readonly size: number;
  /** Keeps a promise until it settles; its failure goes to `onError`. */
  add(work: Promise<unknown>, onError: (error: unknown) => void): void;
  /** Resolves when all that is under way now has settled. */
  settled(): Promise<unknown>;
}

export function underWay(onAdded: () => void, onSettled: () => void): UnderWay {
  const kept = new Set<Promise<void>>();
  return {
    get size() {
      return kept.size;
    },
    add(work, onError) {
      const settling = work
        .then(() => {}, onError)
        .finally(() => {
          kept.delete(settling);
          onSettled();
        });
      kept.add(settling);
      onAdded();
    },
    settled: () => Promise.all(kept),
  };
}
