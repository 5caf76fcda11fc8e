import { startEmulator } from "../../../src/emulator/index.ts";

// A process with an emulator in it, for the test that kills it. It says who it is and then lives on.
const emulator = await startEmulator();
process.stdout.write(`${JSON.stringify({ azurite: emulator.storage.pid, url: emulator.url })}\n`);
// A test that dies takes its host along.
process.stdin.on("end", () => process.exit(1));
process.stdin.on("data", async (command) => {
  if (String(command).startsWith("close")) {
    await emulator.close();
    process.stdin.destroy();
  }
  if (String(command).startsWith("throw")) throw new Error("on purpose");
});
