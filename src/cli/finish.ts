/** Each command calls it with its exit code when its action ends. */
export type Finish = (exitCode: number) => void;
