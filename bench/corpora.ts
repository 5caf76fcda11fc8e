import { type Infer, k, table } from "../src/schema/table.ts";

/** A repeatable stream of numbers in [0, 1): mulberry32, so that every run and every machine has the same corpus. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

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

/** Sensor readings: a date, four strings of which one needs quoting, an int, five doubles of full precision, a bool. */
export function telemetryRecords(count: number, seed = 1): Infer<typeof telemetry>[] {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const sites = ["oslo-1", "bergen-2", "trondheim-3", "tromso-4"];
  const states = ["running", "idle", "maintenance", "fault"];
  const notes = ["", "ok", 'said "stop", then left', "line one, line two"];
  return Array.from({ length: count }, (_, i) => ({
    ts: new Date(1_700_000_000_000 + i * 250 + Math.floor(random() * 250)),
    device: `device-${Math.floor(random() * 500)}`,
    site: pick(sites),
    status: pick(states),
    note: pick(notes),
    count: Math.floor(random() * 1_000),
    temperature: 15 + random() * 20,
    humidity: random() * 100,
    pressure: 950 + random() * 100,
    voltage: 220 + random() * 20,
    current: random() * 16,
    ok: random() > 0.02,
  }));
}
