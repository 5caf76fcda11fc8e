import { type Infer, k, table } from "../../src/schema/table.ts";
import { seeded } from "./seeded.ts";

export const telemetry = table("Telemetry", {
  ts: k.datetime(),
  device: k.string(),
  site: k.string(),
  status: k.string(),
  note: k.string(),
  count: k.int(),
  temperature: k.real(),
  humidity: k.real(),
  pressure: k.real(),
  voltage: k.real(),
  current: k.real(),
  ok: k.bool(),
});

const sites = ["oslo-1", "bergen-2", "trondheim-3", "tromso-4"];
const states = ["running", "idle", "maintenance", "fault"];
const notes = ["", "ok", 'said "stop", then left', "line one, line two"];

/** Sensor readings: a date, four strings of which one needs quoting, an int, five doubles of full precision, a bool. */
export function* telemetryRecords(seed: number): Generator<Infer<typeof telemetry>> {
  const { next, below, pick } = seeded(seed);
  for (let i = 0; ; i++)
    yield {
      ts: new Date(1_700_000_000_000 + i * 250 + below(250)),
      device: `device-${below(500)}`,
      site: pick(sites),
      status: pick(states),
      note: pick(notes),
      count: below(1_000),
      temperature: 15 + next() * 20,
      humidity: next() * 100,
      pressure: 950 + next() * 100,
      voltage: 220 + next() * 20,
      current: next() * 16,
      ok: next() > 0.02,
    };
}
