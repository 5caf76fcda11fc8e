import { AssertionError } from "node:assert";

/** What the act gives, or an error that says what did not end in time. */
export async function within<T>(patienceMs: number, what: string, act: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new AssertionError({ message: `${what} did not end within ${patienceMs} ms.` })),
      patienceMs,
    );
  });
  try {
    return await Promise.race([act, late]);
  } finally {
    clearTimeout(timer);
  }
}
