// Bundles the libraries that draw the page's charts into src/emulator/http/page/chart-library.js, with their licences in front:
// the emulator serves the page without a network, from the sources and from dist/ alike.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const folder = "src/emulator/http/page";
const file = `${folder}/chart-library.js`;

const { outputFiles, metafile } = await build({
  stdin: { contents: readFileSync(`${folder}/chart-library.d.ts`, "utf8"), loader: "ts", resolveDir: folder },
  bundle: true,
  write: false,
  metafile: true,
  outfile: file,
  format: "esm",
  target: "es2022",
  minify: true,
  // The whole licences stand in front; a library's own comment only names them.
  legalComments: "none",
});
const [{ inputs }] = Object.values(metafile.outputs);
const bundled = Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0);
const notices = [...new Set(bundled.map(packageOf).filter(Boolean))].sort().map(noticeOf);
const text = `/*!\n${notices.join("\n")}*/\n${outputFiles[0].text}`;
writeFileSync(file, text);
console.log(`${file} ${text.length} bytes`);

/** The folder of the package that a bundled file is of; the last one, where packages lie in packages. */
function packageOf(input) {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

function noticeOf(path) {
  const { name, version, license } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const licence = readdirSync(path).find((each) => /^licen[cs]e/i.test(each) && existsSync(join(path, each)));
  if (!licence) throw new Error(`${path} has no licence file: its text must be passed on with the page.`);
  return `${name} ${version}, ${license}\n\n${readFileSync(join(path, licence), "utf8").trim()}\n`;
}
