// What the killed processes of example-state.test.ts open.
export { directoryState as state } from "../../examples/directory-state.mjs";
