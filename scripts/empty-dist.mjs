// A file whose source was renamed or removed must not be packed: tsc leaves it where it is.
import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
