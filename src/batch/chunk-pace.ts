/** How many rows a chunk should have, by what it costs the caller's thread to hand one over. */
export interface ChunkPace {
  readonly rows: number;
  /** A chunk of so many rows took so many milliseconds to hand over. */
  took(rows: number, ms: number): void;
}

/**
 * Encoding a chunk cannot be broken off, so where it runs on the caller's thread it should be short beside the time that
 * the event loop may be held. 256 records of 200 columns took 4 ms. To a worker a chunk goes in microseconds.
 */
const mostMs = 2;
const fewestRows = 8;

export function chunkPace(mostRows: number): ChunkPace {
  const fewest = Math.min(fewestRows, mostRows);
  let rows = mostRows;
  return {
    get rows() {
      return rows;
    },
    took(handedOver, ms) {
      if (ms > mostMs) rows = Math.max(fewest, Math.min(rows, handedOver) >> 1);
      // Well below, or it would go back and forth.
      else if (handedOver >= rows && ms < mostMs / 3) rows = Math.min(mostRows, rows << 1);
    },
  };
}
