/** Raw rows of one call that are more than the event loop should be held for: they go on when there is room again. */
export interface RawBacklog {
  readonly isEmpty: boolean;
  /** Takes pieces until there is no room, at least one, and keeps the rest: of bytes a copy, since the caller's may change. */
  add(rows: Uint8Array | string): void;
  /** Goes on until there is no room again. */
  goOn(): void;
  /** Takes all the rest, room or not: what comes now must not come before it. */
  drain(): void;
  /** Forgets the rest. */
  drop(): void;
}

/** Bytes, or UTF-16 units: about a raw chunk, which an encoder on the caller's thread has done in half a millisecond. */
const pieceLength = 131_072;

/** @param take takes a piece, and brings what `hasRoom` tells up to date. */
export function rawBacklog(take: (piece: Uint8Array | string) => void, hasRoom: () => boolean): RawBacklog {
  let rest: Uint8Array | string = "";
  let at = 0;
  /** Room that is found while a piece is being taken must not have the next one taken within it. */
  let isTaking = false;

  function takePiece(): void {
    const from = at;
    at = Math.min(rest.length, from + pieceLength);
    isTaking = true;
    try {
      take(typeof rest === "string" ? rest.slice(from, at) : rest.subarray(from, at));
    } finally {
      isTaking = false;
      if (at >= rest.length) drop();
    }
  }

  function drop(): void {
    rest = "";
    at = 0;
  }

  function goOn(): void {
    while (at < rest.length && !isTaking && hasRoom()) takePiece();
  }

  function drain(): void {
    while (at < rest.length) takePiece();
  }

  return {
    get isEmpty() {
      return rest.length === 0;
    },
    add(rows) {
      drain();
      if (rows.length <= pieceLength) return take(rows);
      rest = rows;
      takePiece();
      goOn();
      if (typeof rest !== "string") {
        rest = rest.slice(at);
        at = 0;
      }
    },
    goOn,
    drain,
    drop,
  };
}
