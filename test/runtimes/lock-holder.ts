import { fileState, k, memory, open, table } from "millrace";

// Holds a state until it is killed.

await open({
  table: table("Kept", { n: k.int(), text: k.string() }),
  to: memory(),
  state: fileState(process.env.STATE!),
});
console.log("locked");
setInterval(() => {}, 1_000);
