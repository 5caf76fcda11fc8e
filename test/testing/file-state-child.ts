// What the killed processes of the contracts open.
export { fileState as state } from "../../src/checkpoint/file-state.ts";
