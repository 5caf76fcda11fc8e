import { encodeCases } from "./encode-cases.ts";
import { kustoCases } from "./kusto-cases.ts";
import { loginCases } from "./login-cases.ts";
import { programCases } from "./program-cases.ts";
import { schemaCases } from "./schema-cases.ts";
import { sinkCases } from "./sink-cases.ts";
import { stateCases } from "./state-cases.ts";
import { telemetryCases } from "./telemetry-cases.ts";
import type { Case } from "./world.ts";

/** What every runtime must do, in the order in which it is run. */
export const cases: readonly Case[] = [
  ...schemaCases,
  ...encodeCases,
  ...sinkCases,
  ...telemetryCases,
  ...stateCases,
  ...kustoCases,
  ...loginCases,
  ...programCases,
];
