// A user's CommonJS program, for compilers: it is never run.
import millrace = require("millrace");
import connector = require("millrace/connector");
import emulator = require("millrace/emulator");

const to: connector.Destination = millrace.memory();
const options: emulator.EmulatorOptions = { databases: ["demo"] };
// @ts-expect-error: a column that is missing
const incomplete: millrace.Infer<typeof readings> = { at: new Date() };

const readings = millrace.table("Readings", { at: millrace.k.datetime(), device: millrace.k.string() });
const opened: Promise<millrace.Sink<{ at: Date; device: string }>> = millrace.open({ table: readings, to });

export = { incomplete, opened, started: emulator.startEmulator(options) };
