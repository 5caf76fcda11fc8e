export type { ContractOptions } from "./rule.ts";
export { stateBackendContract } from "./state-contract.ts";
export type { StateChild, StateUnderTest } from "./state-under-test.ts";
