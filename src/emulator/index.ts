export { type Emulator, startEmulator } from "./emulator.ts";
export type { EmulatorClock } from "./engine/clock.ts";
export type { FaultPlace, FaultPlaces } from "./faults/request-faults.ts";
export type { FaultScenario, ScenarioFault } from "./faults/scenario.ts";
export { readFaultScenario } from "./faults/scenario-file.ts";
export type { Faults, PlayedScenario } from "./faults.ts";
export type { EmulatorOptions } from "./options.ts";
export type { ApplicationOptions, ClusterRole, SecurityOptions } from "./security/options.ts";
export type { EmulatorSecurity, SecurityApplication } from "./security/security.ts";
