import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** A file of the demo: a city's bicycle hire, with the oddities of real files. */
export interface DemoFile {
  readonly table: string;
  readonly file: string;
  readonly about: string;
  /** Records of the file that cannot be read, on purpose: the demo shows that their neighbours arrive. */
  readonly unreadable: number;
  /** The whole file. The same bytes in each run: nothing depends on the clock, or on a random seed. */
  content(): string | Buffer;
}

const counts = { trips: 100_000, stations: 600, repairs: 10_000, ratings: 3_000 };

export const demoFiles: readonly DemoFile[] = [
  {
    table: "Trips",
    file: "trips.ndjson.gz",
    about: "NDJSON in gzip, with one line that was cut off",
    unreadable: 1,
    content: trips,
  },
  {
    table: "Stations",
    file: "stations.json",
    about: "the features of a GeoJSON document, nested values as dynamic",
    unreadable: 0,
    content: stations,
  },
  {
    table: "Repairs",
    file: "repairs.csv",
    about: "CSV with dates, numbers, line breaks, and a name that Kusto does not take",
    unreadable: 0,
    content: repairs,
  },
  {
    table: "Ratings",
    file: "ratings.json",
    about: "one array, whose members hold now a text and now a number",
    unreadable: 0,
    content: ratings,
  },
];

/** Writes the file into a folder; its path. */
export async function writeDemoFile({ file, content }: DemoFile, folder: string): Promise<string> {
  const path = join(folder, file);
  await writeFile(path, content());
  return path;
}

type Pick = <T>(values: readonly T[]) => T;

interface Dice {
  /** A whole number from 0, below `limit`. */
  below(limit: number): number;
  readonly pick: Pick;
}

/** The generator mulberry32: whole numbers of 32 bits only, so every runtime draws the same. */
function dice(seed: number): Dice {
  let state = seed;
  const below = (limit: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return { below, pick: (values) => values[below(values.length)]! };
}

const day = 86_400_000;
const firstDay = Date.UTC(2026, 2, 2);
/** A Monday to the Sunday after the next. */
const days = 14;

const districts = ["Harbour", "Old Town", "University", "Mill Lane", "Östra Park", "Airport"] as const;
/** Busier districts come up more often. */
const busyDistricts = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5].map((i) => districts[i]!);
/** Hours of a day; those of the way to work and back come up more often. */
const busyHours = [6, 7, 7, 7, 8, 8, 8, 8, 9, 10, 11, 12, 12, 13, 14, 15, 16, 16, 17, 17, 17, 18, 18, 19, 20, 21, 22];

const bikeName = (n: number) => `B-${String(n).padStart(4, "0")}`;

function trips(): Buffer {
  const { below, pick } = dice(1);
  const lines: string[] = [];
  for (let trip = 1; trip <= counts.trips; trip++) {
    const minutes = 3 + below(25) + below(25);
    const start = firstDay + below(days) * day + pick(busyHours) * 3_600_000 + below(3_600_000);
    const line = JSON.stringify({
      trip,
      bike: bikeName(below(800)),
      start: new Date(start).toISOString(),
      district: pick(busyDistricts),
      minutes,
      metres: minutes * (140 + below(120)),
      ...(below(3) > 0 && { member: below(4) > 0 }),
    });
    lines.push(trip === 31_337 ? line.slice(0, 40) : line);
  }
  return gzipSync(`${lines.join("\n")}\n`, { level: 1 });
}

function stations(): string {
  const { below, pick } = dice(2);
  const features = Array.from({ length: counts.stations }, (_, i) => {
    const district = pick(districts);
    return {
      type: "Feature",
      id: `S-${i}`,
      properties: {
        name: `${district} ${i}`,
        district,
        docks: 8 + below(25),
        opened: new Date(firstDay - below(2_000) * day).toISOString().slice(0, 10),
        services: ["pump", "charger", "card reader"].filter(() => below(2) > 0),
      },
      geometry: { type: "Point", coordinates: [13 + below(20_000) / 1e5, 55.55 + below(8_000) / 1e5] },
    };
  });
  return JSON.stringify({ type: "FeatureCollection", features });
}

function repairs(): string {
  const { below, pick } = dice(3);
  const notes = [
    "",
    "routine",
    'customer says "it squeaks"',
    "wheel, spokes and tyre",
    "returned twice\nsee the first report",
    "Sattel lose – nachgezogen",
  ];
  const parts = ["brake", "chain", "wheel", "saddle", "lock", "battery", "lamp"];
  const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = Array.from({ length: counts.repairs }, () => {
    const reported = new Date(firstDay + below(days) * day).toISOString().slice(0, 10);
    const cents = below(12_000);
    const cost = below(20) === 0 ? "" : `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
    return [reported, bikeName(below(800)), pick(parts), cost, below(240), quoted(pick(notes))].join(",");
  });
  return `Reported,Bike,Part,Cost: Total $,Minutes of work,Note\n${rows.join("\n")}\n`;
}

function ratings(): string {
  const { below, pick } = dice(4);
  const comments = ["smooth ride", "too few docks", "très bien", "🚲🚲🚲", 'the "fast" one is slow', null];
  const records = Array.from({ length: counts.ratings }, () => ({
    trip: 1 + below(counts.trips),
    stars: below(10) === 0 ? pick(["none", "four and a half"]) : 1 + below(5),
    comment: pick(comments),
    app: below(4) > 0 ? { version: `4.${below(9)}`, offline: below(2) > 0 } : null,
  }));
  return JSON.stringify(records);
}
