import assert from "node:assert/strict";
import { test } from "node:test";
import { type EngineHost, engineHost } from "../../engine-host.ts";

/** A command of the documentation, and what it answers or leaves behind. */
export interface Example {
  /** The page it is from. */
  readonly page: string;
  /** Commands that must have run before, in a database of their own. */
  readonly given?: readonly string[];
  readonly command: string;
  /** The names of the answer's columns, in their order. */
  readonly columns?: string;
  /** Rows of the answer. */
  readonly rows?: readonly (readonly unknown[])[];
  /** Of a script's rows: CommandType and Result. */
  readonly types?: readonly (readonly [string, string])[];
  /** Texts run afterwards, with the rows that they answer with. */
  readonly after?: Readonly<Record<string, readonly (readonly unknown[])[]>>;
  /** What the refusal says, where the command is refused. */
  readonly refused?: RegExp;
}

let made = 0;

/** Makes a test of each example; they share an engine and have a database each. */
export function documented(examples: readonly Example[]): void {
  let host: Promise<EngineHost> | undefined;
  const started = () => (host ??= engineHost(["demo"]));
  for (const { page, given = [], command, columns, rows, types, after = {}, refused } of examples)
    test(`${page}: ${command.replaceAll(/\s+/g, " ").slice(0, 100)}`, async () => {
      const { ask, rows: rowsOf } = await started();
      const database = `TestDB${++made}`;
      await ask(`.create database ${database} volatile`);
      const own = (text: unknown) => (typeof text === "string" ? text.replaceAll("TestDB", database) : text);
      for (const each of given) await ask(own(each) as string, database);
      if (refused) {
        await assert.rejects(ask(own(command) as string, database), refused);
        return;
      }
      const answer = await ask(own(command) as string, database);
      if (columns !== undefined)
        assert.equal(answer.columns.replaceAll(/:\w+/g, ""), columns.replaceAll(/\s*,\s*/g, ","));
      if (rows)
        assert.deepEqual(
          JSON.parse(answer.rows),
          rows.map((row) => row.map(own)),
        );
      if (types)
        assert.deepEqual(
          (JSON.parse(answer.rows) as unknown[][]).map(([, type, , result]) => [type, result]),
          types,
        );
      for (const [text, expected] of Object.entries(after))
        assert.deepEqual(
          await rowsOf(own(text) as string, database),
          expected.map((row) => row.map(own)),
          text,
        );
    });
  test("the engine ends", async () => (await host)?.close());
}
