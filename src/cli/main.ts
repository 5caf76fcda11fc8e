#!/usr/bin/env node
import { runMain } from "./program.ts";

process.exitCode = await runMain(process.argv.slice(2));
// Whatever still holds the process (an idle connection of the SDK) is not worth waiting for.
setTimeout(() => process.exit(), 1_000).unref();
