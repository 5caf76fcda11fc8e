// Typed arrays have had a type argument since TypeScript 5.7: which buffer they look at. Within the project it says what may be
// transferred to a thread; in the declarations that are published older compilers would refuse it, so it is left out there.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const withBuffer = /\b((?:(?:Big)?(?:Ui|I)nt|Float)\d+(?:Clamped)?Array|DataView)<\w+>/g;

for (const name of readdirSync("dist", { recursive: true })) {
  if (!name.endsWith(".d.ts")) continue;
  const file = join("dist", name);
  const text = readFileSync(file, "utf8");
  const lowered = text.replace(withBuffer, "$1");
  if (lowered !== text) writeFileSync(file, lowered);
}
