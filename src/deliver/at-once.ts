/** Runs work in the order of the calls, `most` of it at a time. */
export type AtOnce = <T>(work: () => Promise<T>) => Promise<T>;

export function atOnce(most: number): AtOnce {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < most) running++;
    else await new Promise<void>((begin) => waiting.push(begin)); // it takes over the place of the work that ended
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
