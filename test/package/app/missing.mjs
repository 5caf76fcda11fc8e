// A user's program that starts the emulator without its packages; prints what it is told.
import { MillraceError } from "millrace";
import { startEmulator } from "millrace/emulator";

try {
  await (await startEmulator()).close();
  console.log(JSON.stringify({ started: true }));
} catch (error) {
  const { code, message, context } = error;
  console.log(JSON.stringify({ isMillraceError: error instanceof MillraceError, code, message, context }));
}
