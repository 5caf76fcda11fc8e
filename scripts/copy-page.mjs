// The emulator's page is served as it is written, with the library of its charts that build:page bundled: its markup, style and
// modules go beside the compiled server.
import { cpSync } from "node:fs";

const page = "emulator/http/page";
cpSync(`src/${page}`, `dist/${page}`, { recursive: true, filter: (path) => !/\.json$|\.d\.ts$/.test(path) });
