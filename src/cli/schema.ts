import { Command } from "commander";
import { writeSchemaJson, writeSchemaKql } from "../schema/file.ts";
import type { FilesOptions } from "../source/file-options.ts";
import { files } from "../source/files.ts";
import { usage } from "./connection.ts";
import type { Finish } from "./finish.ts";
import { addFileFlags, type FileFlags, fileOptions, valueOptions } from "./flags.ts";
import { inferenceNotes, inferFiles, tableNameFor } from "./infer-files.ts";
import { onInterrupt, tellInterrupted } from "./interrupt.ts";
import { inPhrases } from "./option-words.ts";
import { count, plural } from "./quantities.ts";
import { plainLine } from "./terminal.ts";

interface SchemaFlags extends FileFlags {
  table?: string;
  kql?: boolean;
  json?: boolean;
}

const unreadableShown = 20;

const help = `
The result is a schema file: save it, change it, and give it to millrace ingest --schema. A type that ends in ! is one
that every record must have.`;

export function schemaCommand(finish: Finish): Command {
  const command = new Command("schema")
    .description("print the table that a file would make")
    .argument("<files...>", "NDJSON, JSON or CSV, plain or gzip")
    .option("--table <name>", "the table's name (default: after the file)");
  return addFileFlags(command)
    .option("--kql", "as a .create-merge table command")
    .option("--json", "as JSON on one line (default: as JSON, a column per line)")
    .addHelpText("after", help)
    .action(async (patterns: string[], flags: SchemaFlags) => finish(await schema(patterns, flags)));
}

async function schema(patterns: readonly string[], flags: SchemaFlags): Promise<number> {
  if (flags.kql && flags.json) throw usage("--kql and --json are two forms; give one");
  const interrupt = onInterrupt();
  try {
    const options: FilesOptions = fileOptions(flags, (notice) =>
      process.stderr.write(`${plainLine(`note: ${notice}`)}\n`),
    );
    const source = files(patterns, options);
    const plan = await source.plan(interrupt.signal);
    const name = flags.table ?? tableNameFor(plan.files[0]!.path);
    let unreadable = 0;
    const inferred = await inferFiles(
      name,
      plan,
      (path) => source.readOne!(path, interrupt.signal, options.onNotice),
      flags.inferRecords,
      ({ place, reason }) => {
        if (unreadable++ < unreadableShown)
          process.stderr.write(`${plainLine(`unreadable ${place}: ${inPhrases(reason)}`)}\n`);
      },
      valueOptions(flags),
    );
    if (unreadable > unreadableShown) process.stderr.write(`... and ${count(unreadable - unreadableShown)} more\n`);
    const { table, renames, samples } = inferred;
    process.stderr.write(`from ${plural(samples, "record")}\n`);
    for (const { field, column } of renames)
      process.stderr.write(`${plainLine(`note: field ${JSON.stringify(field)} becomes column ${column}`)}\n`);
    for (const note of inferenceNotes(inferred)) process.stderr.write(`${plainLine(`note: ${note}`)}\n`);
    const json = () => writeSchemaJson(table, renames);
    process.stdout.write(
      flags.kql ? writeSchemaKql(table) : flags.json ? `${JSON.stringify(JSON.parse(json()))}\n` : json(),
    );
    return 0;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return tellInterrupted(interrupt, flags.json);
    throw error;
  } finally {
    interrupt.dispose();
  }
}
