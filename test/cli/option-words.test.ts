import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ingestCommand } from "../../src/cli/ingest.ts";
import { flagOf, inFlags } from "../../src/cli/option-words.ts";
import { ingestionOptionNames } from "../../src/connectors/kusto/ingestion-options.ts";
import { defaults } from "../../src/options.ts";

const flags = new Set(ingestCommand(() => {}).options.map(({ long }) => long));

test("every flag that a message may name is one of millrace ingest", () => {
  for (const [name, flag] of Object.entries(flagOf)) assert.ok(flags.has(flag), `${name}: ${flag}`);
});

test("an option that has a flag of its own name is known by it", () => {
  for (const name of Object.keys(defaults)) {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    // --format is that of the files.
    if (flags.has(flag) && /[A-Z]/.test(name)) assert.equal(flagOf[name], flag);
  }
});

test("advice is given in the words of the command line", () => {
  const said: [message: string, expected: string][] = [
    [
      "Choose another job; acceptDuplicates: true goes on all the same.",
      "Choose another job; --accept-duplicates goes on all the same.",
    ],
    ["if it is yours, name it in trustedHosts (--trusted-host).", "if it is yours, name it in --trusted-host."],
    [
      'open(): deliveryGuarantee "exactly-once" needs a state: fileState(folder).',
      '--guarantee "exactly-once" needs --state FOLDER.',
    ],
    [
      "within 300000 ms; it may still land. Raise pollTimeoutMs, or look",
      "within 300000 ms; it may still land. Raise --wait-timeout-ms, or look",
    ],
    [
      'in the table\'s order, use format "ndjson", or name an ingestionMappingRef.',
      "in the table's order, or give --mapping.",
    ],
    ["shorten ingestByTags and additionalTags.", "shorten --tag."],
    [
      'carry; malformedText: "replace" sends U+FFFD in its place',
      "carry; --malformed-text replace sends U+FFFD in its place",
    ],
    [
      'it has 1 field where the header has 2; ragged: "pad" reads the missing fields as null',
      "it has 1 field where the header has 2; --ragged pad reads the missing fields as null",
    ],
    [
      'it has 4 fields where the header has 3; ragged: "pad" leaves out the empty fields at the end',
      "it has 4 fields where the header has 3; --ragged pad leaves out the empty fields at the end",
    ],
    [
      "the header on line 1 may be a line before it: skipLines or comment leaves such lines out",
      "the header on line 1 may be a line before it: --skip-lines or --comment leaves such lines out",
    ],
    [
      'a.csv: the header row looks like data ("1"); if the file has no header, say header: false.',
      'a.csv: the header row looks like data ("1"); if the file has no header, say --no-header.',
    ],
    [
      'a.json: the records are the elements of "a". path "$" reads the object itself.',
      "a.json: the records are the elements of \"a\". --path '$' reads the object itself.",
    ],
    ["Column batchSizes is no option.", "Column batchSizes is no option."],
  ];
  for (const [message, expected] of said) assert.equal(inFlags(message), expected);
});

test("what messages name in the API's spelling has a flag, or cannot reach the command line", () => {
  // Set by the presets alone, or read by programs only.
  const elsewhere = /^(pollIntervalMs|retryBaseMs|retryMaxMs|maxRecordBytes|batchPerSubtask)$/;
  const known = [...Object.keys(defaults), ...ingestionOptionNames].filter(
    (name) => /[A-Z]/.test(name) && !elsewhere.test(name),
  );
  const advice = /(?:[Rr]aise|[Ss]et|[Ll]eave|name an|shorten) \w+(?: and \w+)?/g;
  for (const file of readdirSync("src/connectors", { recursive: true, encoding: "utf8" }))
    if (file.endsWith(".ts"))
      for (const [said] of readFileSync(join("src/connectors", file), "utf8").matchAll(advice)) {
        const left = known.find((name) => new RegExp(`\\b${name}\\b`).test(inFlags(said)));
        assert.equal(left, undefined, `${file}: ${said}`);
      }
});
