export { type Emulator, startEmulator } from "./emulator.ts";
export type { EmulatorOptions } from "./emulator-options.ts";
export type { EmulatorClock } from "./engine/clock.ts";
export type { MessageMatch } from "./faults/message-faults.ts";
export type { FaultPlace, FaultPlaces, RequestMatch } from "./faults/request-faults.ts";
export type {
  FaultScenario,
  MessageScenario,
  OutageScenario,
  RequestScenario,
  ScenarioFault,
} from "./faults/scenario.ts";
export { readFaultScenario } from "./faults/scenario-file.ts";
export type { FaultTiming } from "./faults/trigger.ts";
export type { Faults, PlayedScenario } from "./faults.ts";
export type { EmulatorSecurity, SecurityApplication } from "./security/security.ts";
export type { ApplicationOptions, ClusterRole, SecurityOptions } from "./security/security-options.ts";
