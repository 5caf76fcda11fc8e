export { type Emulator, startEmulator } from "./emulator.ts";
export type { EmulatorClock } from "./engine/clock.ts";
export type { FaultPlace, Faults } from "./faults.ts";
export type { EmulatorOptions } from "./options.ts";
