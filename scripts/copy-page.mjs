// The emulator's page is served as it is written: its markup, style and modules go beside the compiled server.
import { cpSync } from "node:fs";

const page = "emulator/http/page";
cpSync(`src/${page}`, `dist/${page}`, { recursive: true, filter: (path) => !path.endsWith(".json") });
