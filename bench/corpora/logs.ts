import { type Infer, k, table } from "../../src/schema/table.ts";
import { guid, type Random, seeded, sentence } from "./seeded.ts";

export const logs = table("Logs", {
  time: k.datetime(),
  level: k.string(),
  logger: k.string(),
  message: k.string(),
  trace: k.guid(),
  path: k.string(),
  durationMs: k.real(),
  status: k.int(),
});

const levels = ["INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"];
const loggers = ["http.server", "db.pool", "auth.session", "jobs.scheduler", "billing.invoice"];
const words =
  "the request of user for to was in and connection with timeout after retry failed accepted order from cache miss payment token expired worker queue started finished response upstream reset by peer".split(
    " ",
  );
const foreign = [
  "Überspannung erkannt",
  "接続が切断されました",
  "délai dépassé",
  "Ошибка чтения",
  "kø full 🚧",
  "señal perdida",
];

/** Log lines: 60 to 900 characters, a tenth with escapes (quotes, tabs, stack traces), a tenth not ASCII. */
export function* logsRecords(seed: number): Generator<Infer<typeof logs>> {
  const random = seeded(seed);
  const { next, below, pick } = random;
  for (let i = 0; ; i++)
    yield {
      time: new Date(1_710_000_000_000 + i * 17 + below(17)),
      level: pick(levels),
      logger: pick(loggers),
      message: message(random),
      trace: guid(random),
      path: `/api/v1/${pick(words)}/${below(100_000)}?${pick(words)}=${pick(words)}`,
      durationMs: Math.round(next() ** 4 * 1_000_000) / 1_000,
      status: pick([200, 200, 200, 201, 204, 304, 400, 404, 500]),
    };
}

function message(random: Random): string {
  const { next, below, pick } = random;
  const text = sentence(random, words, 10 + below(30));
  const form = next();
  if (form < 0.05) return `${text}\n${Array.from({ length: 3 + below(6) }, () => frame(random)).join("\n")}`;
  if (form < 0.1) return `${text}\t{"id": "${random.hex(12)}", "path": "C:\\\\temp\\\\${pick(words)}"}`;
  if (form < 0.2) return `${pick(foreign)}: ${text}, ${pick(foreign)}`;
  if (form < 0.3) return `${text}, said "${pick(words)}"`;
  return `${text} id=${random.hex(16)}`;
}

function frame({ pick, below }: Random): string {
  return `    at ${pick(words)}.${pick(words)} (/srv/app/dist/${pick(words)}.js:${below(900)}:${below(80)})`;
}
