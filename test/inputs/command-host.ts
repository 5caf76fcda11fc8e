import { runMain } from "../../src/cli/program.ts";

// Forked by command-line.ts: runs command lines one after another in this one process, and sends back what they wrote.

let out = "";
let err = "";
process.stdout.setMaxListeners(0); // each command adds a listener of its own
process.stdout.write = collect((text) => {
  out += text;
});
process.stderr.write = collect((text) => {
  err += text;
});

function collect(take: (text: string) => void): typeof process.stdout.write {
  return (chunk: string | Uint8Array, ...rest: unknown[]) => {
    take(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8"));
    const done = rest.find((each) => typeof each === "function");
    if (done) queueMicrotask(done as () => void);
    return true;
  };
}

process.on("message", async (args: readonly string[]) => {
  out = "";
  err = "";
  const code = await runMain(args);
  process.send!({ code, out, err });
});
