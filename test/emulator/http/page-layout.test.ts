import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { ask, refusal } from "../ask.ts";
import { type Browser, findBrowser, type Page, startBrowser } from "./browser.ts";

// What the page shows of long names, many columns and wide values, in a real browser: nothing is cut off or pushed out of view.

const path = findBrowser();
const skip = path ? false : "no browser: install chromium, or name one by CHROME_PATH";
const stagingTable = "Readings_millrace_staging_3f2a9c1e7b6d4e0f8a5b_20260302T101500Z_epoch_000000000042";
const spacedTable = "Table with spaces in its name and more of them";
const longDatabase = "a_second_database_with_quite_a_long_name_2026";
const oneWordTable = `T${"x".repeat(120)}`;
const columns = 60;
const extents = 57;

let emulator: Emulator;
let browser: Browser | undefined;

before(async () => {
  if (path === undefined) return;
  [emulator, browser] = await Promise.all([
    startEmulator({ databases: ["demo", longDatabase, "empty"], maintenanceIntervalMs: 0 }),
    startBrowser(path),
  ]);
  const tags = `["ingest-by:${"batch-0001-".repeat(8)}","drop-by:x"]`;
  const command = (text: string) => ask(emulator, text);
  await command(`.create table ${stagingTable} (a:string)`);
  await command(`.create table ${oneWordTable} (a:string)`);
  await command(`.create table ['${spacedTable}'] (a:string)`);
  const list = Array.from({ length: columns }, (_, i) => `column_number_${i}:string`);
  await command(`.create table Wide (${list.join(", ")})`);
  await command(`.ingest inline into table Wide <| ${"w".repeat(400)}`);
  await command(".create table Times (n:long)");
  await command(".set-or-append Times <| range n from 1 to 1234567 step 1");
  for (let i = 0; i < extents - 2; i++)
    await command(`.ingest inline into table ${stagingTable} with (tags='${tags}') <| x`);
  const blob = "https://127.0.0.1:1/container-with-a-long-name/and/a/blob/with/an/even/longer/name.csv";
  await refusal(emulator, `.ingest into table ${stagingTable} ('${blob}')`);
});
after(async () => {
  await browser?.close();
  await emulator?.close();
});

/** Elements wider inside than outside, where nobody scrolls; `.folded` shows its beginning and all of it as its title. */
const tooWide = `[...document.querySelectorAll("body, body *")]
  .filter((each) => each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1)
  .filter((each) => !each.closest(".folded, .result-table, option, textarea"))
  .map((each) => each.tagName + "." + each.className + " in " + each.closest("section")?.id + ": " + each.innerText.slice(0, 40))`;

/** Texts of cells that reach into a neighbour, or out of their card. */
const overlapping = `[...document.querySelectorAll("#tables th, #tables td, #activity th, #activity td:not(.folded)")].filter((cell) => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    const [inner, outer] = [text.getBoundingClientRect(), cell.getBoundingClientRect()];
    const card = cell.closest("section").getBoundingClientRect();
    return inner.width > 0 && (inner.left < outer.left - 1 || inner.right > outer.right + 1 || outer.right > card.right);
  }).map((cell) => cell.innerText)`;

/** Lines that the longest name takes. */
const linesOfNames = `Math.max(...[...document.querySelectorAll("#tables button.name")].map((name) => {
    return Math.round(name.getBoundingClientRect().height / parseFloat(getComputedStyle(name).lineHeight));
  }))`;

async function show(page: Page, tab: string): Promise<void> {
  await page.click(`#activity [role="tab"]:nth-child(${["Extents", "Failures", "Operations"].indexOf(tab) + 1})`);
  await page.until(`document.querySelector('#activity [aria-selected="true"]').innerText.startsWith("${tab}")`);
}

for (const [width, height] of [
  [320, 700],
  [400, 900],
  [768, 1000],
  [1000, 800],
  [1280, 900],
  [1920, 1000],
] as const)
  for (const dark of [false, true])
    test(`nothing is cut off at ${width} pixels${dark ? ", in the dark" : ""}`, { skip }, async () => {
      const page = await browser!.open(`${emulator.url}/`, { width, height, dark });
      await page.until("document.querySelectorAll('#tables tbody tr').length === 5");
      await page.click("#editor textarea");
      await page.press("a", "control");
      await page.type("Wide | take 5");
      await page.press("Enter", "shift");
      await page.until("document.querySelector('#result table')");
      for (const tab of ["Extents", "Failures", "Operations"]) {
        await show(page, tab);
        assert.deepEqual(await page.value(tooWide), [], tab);
        assert.deepEqual(await page.value(overlapping), [], tab);
        assert.equal(await page.value("document.documentElement.scrollWidth"), width, tab);
      }
      const names = await page.value<string[]>(
        "[...document.querySelectorAll('#tables button.name')].map(({ innerText }) => innerText)",
      );
      assert.deepEqual(names.sort(), [stagingTable, oneWordTable, spacedTable, "Wide", "Times"].sort());
      assert.ok((await page.value<number>(linesOfNames)) <= 6, `a name takes ${await page.value(linesOfNames)} lines`);
      // The columns that there is no room for are reached by scrolling within their own box.
      assert.equal(await page.value("document.querySelectorAll('#result th').length"), columns);
      assert.deepEqual(page.complaints, []);
    });

test("counts are of all there is, and the newest comes first, whatever its fraction of a second", {
  skip,
}, async () => {
  const times = ["2030-01-01T00:00:00.15Z", "2030-01-01T00:00:00.1Z", "2030-01-01T00:00:00Z"];
  for (const time of [times[1]!, times[2]!, times[0]!])
    await ask(emulator, `.set-or-append Times with (creationTime='${time}') <| print n = 1`);
  const page = await browser!.open(`${emulator.url}/`, { width: 1280, height: 900 });
  const total = extents + times.length;
  await page.until(`document.querySelector('#activity [role="tab"]')?.innerText === "Extents ${total}"`);
  assert.deepEqual(
    await page.value("[...document.querySelectorAll('#activity time')].slice(0, 3).map((each) => each.dateTime)"),
    times,
  );
  assert.equal(await page.value("document.querySelectorAll('#activity tbody tr').length"), 50);
  assert.equal(await page.value("document.querySelector('#activity .note').innerText"), `The newest 50 of ${total}.`);
  const tabs = "[...document.querySelectorAll('#activity [role=\"tab\"]')].map(({ innerText }) => innerText)";
  assert.deepEqual((await page.value<string[]>(tabs))[1], "Failures 1");
});
