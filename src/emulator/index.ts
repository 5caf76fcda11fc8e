export { type Emulator, startEmulator } from "./emulator.ts";
export type { FaultPlace, Faults } from "./faults.ts";
export type { EmulatorOptions } from "./options.ts";
