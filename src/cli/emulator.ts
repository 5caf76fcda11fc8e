import { Command } from "commander";
import type { Finish } from "./finish.ts";
import { wholeNumber } from "./flags.ts";
import { interrupted, onInterrupt } from "./interrupt.ts";
import { loginHints, writeLoginFiles } from "./secure-emulator.ts";

interface EmulatorFlags {
  port: number;
  data?: string;
  database?: string[];
  faults?: string;
  secure?: boolean;
  json?: boolean;
}

export function emulatorCommand(finish: Finish): Command {
  return new Command("emulator")
    .description("run a local Kusto until it is stopped; its data is in memory, or in --data")
    .option("--port <port>", "its port on 127.0.0.1; 0: a free one", wholeNumber(0), 0)
    .option("--data <directory>", "keep everything there, over restarts and kills (default: in memory)")
    .option("--database <name...>", "the databases to serve (default: demo)")
    .option("--faults <file>", "play this fault scenario (JSON; see docs/emulator.md) from the start")
    .option("--secure", "ask every request for a login, at an authority that it starts too; says how to log in")
    .option("--json", "say where it is in one line of JSON on stdout, when it is ready")
    .action(async (flags: EmulatorFlags) => finish(await runEmulator(flags)));
}

async function runEmulator(flags: EmulatorFlags): Promise<number> {
  const { port, data, database = ["demo"], faults, secure, json } = flags;
  const interrupt = onInterrupt();
  try {
    const { readFaultScenario, startEmulator } = await import("../emulator/index.ts");
    const scenario = faults === undefined ? undefined : await readFaultScenario(faults);
    const emulator = await startEmulator({
      port,
      databases: database,
      signal: interrupt.signal,
      ...(data === undefined ? {} : { data }),
      ...(secure && { security: {} }),
    });
    const files = emulator.security && writeLoginFiles(emulator.security);
    try {
      if (scenario) emulator.faults.play(scenario);
      const { url, databases } = emulator;
      if (json) process.stdout.write(`${JSON.stringify({ url, databases, login: files?.login })}\n`);
      else process.stdout.write(files ? loginHints(url, database[0]!, files.login) : hints(url, database[0]!));
      await interrupted(interrupt.signal);
    } finally {
      files?.remove();
      await emulator.close();
    }
    return 0;
  } catch (error) {
    // Stopped while it started: that is what was asked for.
    if (interrupt.exitCode !== undefined) return 0;
    throw error;
  } finally {
    interrupt.dispose();
  }
}

function hints(url: string, database: string): string {
  return `The emulator runs at ${url}, database ${database}. No login is needed. Ctrl-C ends it.

  millrace ingest FILE --cluster ${url} --database ${database} --table T --create-table
  millrace query 'T | take 10' --cluster ${url} --database ${database}

  Connection string for other clients: Data Source=${url};Initial Catalog=${database}
  In a browser, ${url} shows tables, ingestions and failures, and runs KQL.
`;
}
