export { destinationContract } from "./destination-contract.ts";
export type { ContractRow, DestinationUnderTest, TargetCall } from "./destination-under-test.ts";
export type { ContractOptions } from "./rule.ts";
export { sourceContract } from "./source-contract.ts";
export type { BrokerUnderTest, SourceUnderTest } from "./source-under-test.ts";
export { stateBackendContract } from "./state-contract.ts";
export type { StateChild, StateUnderTest } from "./state-under-test.ts";
