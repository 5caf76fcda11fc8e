import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { ask, refusal } from "../ask.ts";
import { type Browser, findBrowser, type Page, startBrowser } from "./browser.ts";

// One emulator and one browser for all of these.
const path = findBrowser();
const skip = path ? false : "no browser: install chromium, or name one by CHROME_PATH";
const wide = { width: 1280, height: 900 };
const oddName = "<script>document.title='broken'</script>";

let emulator: Emulator;
let browser: Browser | undefined;
let page: Page;

before(async () => {
  [emulator, browser] = await Promise.all([
    startEmulator({ databases: ["demo", "other"] }),
    path === undefined ? undefined : startBrowser(path),
  ]);
  await ask(emulator, ".create table T (ts:datetime, who:string, n:long, r:real, d:dynamic)");
  await ask(
    emulator,
    `.set-or-append T <| range i from 0 to 11 step 1 | project ts = datetime(2026-01-01) + i * 1h, who = strcat("w", i % 3),
      n = 9007199254740993 + i, r = iff(i == 5, real(null), todouble(i)), d = dynamic({"a":[1,2]})`,
  );
  await ask(emulator, `.create table ['${oddName.replaceAll("'", "\\'")}'] (a:string)`);
  if (browser) page = await browser.open(`${emulator.url}/`, wide);
});
after(async () => {
  await browser?.close();
  await emulator?.close();
});

interface Told {
  readonly spans: readonly (readonly [start: number, length: number, kind: string])[];
  readonly problems: readonly { start: number; length: number; severity: string; message: string }[];
  readonly start: number;
  readonly length: number;
  readonly items: readonly { word: string; kind: string }[];
}

const textOf = (selector: string) => `document.querySelector(${JSON.stringify(selector)})?.innerText`;
const textsOf = (selector: string) =>
  page.value<string[]>(`[...document.querySelectorAll(${JSON.stringify(selector)})].map(({ innerText }) => innerText)`);
const countOf = (selector: string) =>
  page.value<number>(`document.querySelectorAll(${JSON.stringify(selector)}).length`);

/** Writes a text in place of what is there, as somebody would, and runs it. */
async function run(text: string): Promise<void> {
  await page.value("document.querySelector('#result').replaceChildren()");
  await page.click("#editor textarea");
  await page.press("a", "control");
  await page.type(text);
  await page.press("Enter", "shift");
  await page.until(
    "document.querySelector('#result').childElementCount > 0 && !document.querySelector('#result[aria-busy]')",
  );
}

test("the page is served to browsers only, whole, with a policy that lets nothing in", async () => {
  const got = (address: string, accept = "text/html,*/*;q=0.8") =>
    fetch(`${emulator.url}${address}`, { headers: { accept } });
  const index = await got("/");
  assert.equal(index.status, 200);
  assert.match(index.headers.get("content-type")!, /^text\/html/);
  assert.match(index.headers.get("content-security-policy")!, /default-src 'none'.*frame-ancestors 'none'/);
  const html = await index.text();
  for (const [, address] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    assert.match(address!, /^\/page\//);
    assert.equal((await got(address!)).status, 200, address);
  }
  assert.equal((await got("/", "application/json")).status, 404, "to a client of Kusto there is nothing at the root");
  for (const address of [
    "/page/../server.ts",
    "/page/%2e%2e/server.ts",
    "/page/nothing.js",
    "/page/tsconfig.json",
    "/page/",
  ])
    assert.equal((await got(address)).status, 404, address);
});

test("the editor is told colours, problems and completions by Kusto's parser", async () => {
  const told = async (body: object) => {
    const response = await fetch(`${emulator.url}/page/kql`, { method: "POST", body: JSON.stringify(body) });
    return { status: response.status, ...((await response.json()) as Told) };
  };
  const text = "T | where n > 1 // so";
  const { spans, problems } = await told({ db: "demo", text });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    spans.map(([start, length, kind]) => [text.slice(start, start + length), kind]),
    [
      ["T", "Table"],
      ["|", "Punctuation"],
      ["where", "QueryOperator"],
      ["n", "Column"],
      [">", "MathOperator"],
      ["1", "Literal"],
      ["// so", "Comment"],
    ],
  );
  const wrong = await told({ db: "demo", text: "T\n| where nn > 1" });
  assert.deepEqual(
    wrong.problems.map(({ start, length, severity }) => ({ start, length, severity })),
    [{ start: 10, length: 2, severity: "Error" }],
  );
  const refused = await told({ db: "demo", text: "T\n| evaluate autocluster()" });
  assert.deepEqual([refused.problems[0]!.start, refused.problems[0]!.length], [4, 8]);
  assert.match(refused.problems[0]!.message, /'evaluate' is not supported by this emulator/);
  const offered = await told({ db: "demo", text: "T | where wh", at: 12 });
  assert.deepEqual(
    [offered.start, offered.length, offered.items[0]!.word, offered.items[0]!.kind],
    [10, 2, "who", "Column"],
  );
  assert.equal((await told({ db: "nowhere", text })).status, 400);
  assert.equal((await told({ db: "demo", text, at: -1 })).status, 400);
  assert.equal((await told({ db: "demo" })).status, 400);
});

test("tables are listed, whatever they are called, and ingestions and failures appear while one looks", {
  skip,
}, async () => {
  await page.until("document.querySelectorAll('#tables tbody tr').length === 2");
  assert.deepEqual(await textsOf("#tables h3"), ["demo 2 tables, 12 rows", "other 0 tables, 0 rows"]);
  assert.deepEqual((await textsOf("#tables tbody tr"))[0]!.split("\t").slice(0, 3), ["T", "12", "1"]);
  assert.equal((await textsOf("#tables tbody th"))[1], oddName);
  await ask(emulator, ".ingest inline into table T <| 2026-01-02,x,1,1.5");
  await page.until(`${textOf("#tables tbody tr")}.startsWith("T\\t13\\t2")`);
  await page.until(`${textOf("#activity tbody tr")}.includes("demo.T\\t1")`);
  await refusal(emulator, ".ingest into table T ('https://127.0.0.1:1/none.csv?sig=secret')");
  await page.until(`${textOf('#activity [role="tab"]:nth-child(2)')} === "Failures 1"`);
  await page.click('#activity [role="tab"]:nth-child(2)');
  await page.until(`/Download_\\w+/.test(${textOf("#activity tbody tr")})`);
  assert.doesNotMatch((await textsOf("#activity tbody tr"))[0]!, /secret/);
  assert.equal(await page.value("document.title"), "Millrace emulator");
});

test("a query that is typed is coloured and run, and its rows are read, sorted, unfolded and copied", {
  skip,
}, async () => {
  await run("T\n| where ts < datetime(2026-01-02)\n| extend long_one = strcat_array(repeat('ab ', 60), '')");
  assert.deepEqual(
    await textsOf(".result-table thead button"),
    ["ts datetime", "who string", "n long", "r real", "d dynamic", "long_one string"].map((each) =>
      each.replace(" ", ""),
    ),
  );
  assert.equal(await countOf(".result-table tbody tr"), 12);
  await page.until("document.querySelector('.kql-Table')?.innerText === 'T'");
  await page.click(".result-table th:nth-child(4) button");
  assert.equal(await page.value("document.querySelector('th[aria-sort]').getAttribute('aria-sort')"), "ascending");
  await page.click(".result-table th:nth-child(4) button");
  const reals = await textsOf(".result-table td:nth-child(4)");
  assert.deepEqual(reals, ["11", "10", "9", "8", "7", "6", "4", "3", "2", "1", "0", "null"]);
  assert.equal((await textsOf(".result-table td:nth-child(3)"))[10], "9007199254740993", "every digit of a long");
  await page.click(".result-table button.long");
  assert.equal((await textsOf(".result-table td pre"))[0]!.length, 180);
  await page.value("navigator.clipboard.writeText = async (text) => { globalThis.copied = text; }");
  await page.value("[...document.querySelectorAll('#result .bar button')].at(-1).click()");
  const copied = (await page.value<string>("copied")).split("\r\n");
  assert.equal(copied[0], "ts,who,n,r,d,long_one");
  assert.ok(copied[6]!.startsWith(`2026-01-01T05:00:00Z,w2,9007199254740998,,"{""a"":[1,2]}",`), copied[6]);
  assert.equal(copied.length, 14, "a head, twelve rows, and the end of the last");
});

test("markup in values stays text, and commands run as well", { skip }, async () => {
  await run("print Value = '<img src=x onerror=\"document.title=1\">'");
  assert.deepEqual(await textsOf(".result-table td"), ['<img src=x onerror="document.title=1">']);
  await run(".show tables | project TableName | sort by TableName desc");
  assert.deepEqual(await textsOf(".result-table td"), ["T", oddName]);
});

test("a mistake is told with its place; one block of several is run", { skip }, async () => {
  await run("T | where nope > 1");
  assert.match((await textsOf("#result .refusal"))[0]!, /SEM0100.*'nope'.*\[line:position=1:11\]/);
  await page.until("document.querySelector('#problems li')?.innerText.startsWith('1:11')");
  await page.until("document.querySelector('.problem.Error')?.innerText === 'nope'");
  await run("T | count\n\nprint Second = 2");
  assert.deepEqual(await textsOf(".result-table td"), ["2"]);
});

test("completions are taken by the keyboard", { skip }, async () => {
  await page.click("#editor textarea");
  await page.press("a", "control");
  await page.type("T | summ");
  await page.until("document.querySelector('#completions [aria-selected]')?.innerText.startsWith('summarize')");
  await page.press("Tab");
  assert.equal(await page.value("document.querySelector('#editor textarea').value"), "T | summarize ");
  await page.press("Escape");
});

test("looking takes no fault from those it is meant for", { skip }, async () => {
  emulator.faults.answer("mgmt", 503);
  const before = page.requested.filter((url) => url.endsWith("/v1/rest/mgmt")).length;
  await page.click('#activity [role="tab"]:nth-child(1)');
  await page.value("document.dispatchEvent(new Event('visibilitychange'))");
  await page.until(`${textOf("#activity tbody tr")}.includes("demo.T")`);
  while (page.requested.filter((url) => url.endsWith("/v1/rest/mgmt")).length < before + 5) await page.until("true");
  await assert.rejects(ask(emulator, ".show tables"), /503/);
  assert.equal(await page.value(textOf("#live")!), "Live");
});

test("where a login is asked for, the page takes a token and shows what it allows", { skip }, async () => {
  const guarded = await startEmulator({
    databases: ["demo"],
    storageAccounts: 1,
    security: { applications: [{ name: "admin", clusterRole: "AllDatabasesAdmin" }, { name: "nobody" }] },
  });
  try {
    const [admin, nobody] = guarded.security!.applications.map(({ appId }) => guarded.security!.token(appId));
    const refused = await fetch(`${guarded.url}/page/kql`, { method: "POST", body: '{"db":"demo","text":"T"}' });
    assert.equal(refused.status, 401);
    const powerless = await fetch(`${guarded.url}/page/kql`, {
      method: "POST",
      headers: { authorization: `Bearer ${nobody}` },
      body: '{"db":"demo","text":"T"}',
    });
    assert.equal(powerless.status, 403, "colours tell which tables there are");
    const other = await browser!.open(`${guarded.url}/`, wide);
    const logIn = async (token: string) => {
      await other.until("!document.querySelector('#login').hidden");
      await other.value("document.querySelector('#token').value = ''");
      await other.click("#token");
      await other.type(token);
      await other.press("Enter");
    };
    await logIn("no token");
    await other.until("document.querySelector('#login p.bad')");
    await logIn(admin!);
    await other.until("document.querySelector('#login').hidden && document.querySelector('#tables h3')");
    await other.value(
      `sessionStorage.setItem("millrace-token", ${JSON.stringify(nobody)}), document.dispatchEvent(new Event("visibilitychange"))`,
    );
    await other.until(
      "/is not authorized|Forbidden/.test(document.querySelector('#live').innerText + document.querySelector('#tables').innerText)",
    );
    assert.deepEqual(other.complaints, []);
  } finally {
    await guarded.close();
  }
});

test("it fits a telephone, in the dark as well", { skip }, async () => {
  for (const dark of [false, true]) {
    await page.resize({ width: 400, height: 800, dark });
    assert.equal(await page.value("document.documentElement.scrollWidth"), 400);
  }
  assert.equal(await page.value("getComputedStyle(document.body).backgroundColor"), "rgb(18, 23, 29)");
});

test("what the parser says of another database, and says late, is not shown", { skip }, async () => {
  await page.value("document.querySelector('#result').replaceChildren()");
  await page.value(`(() => {
    const ask = window.fetch;
    window.isHeld = new Promise((asked) => {
      window.fetch = (...words) => {
        const answer = ask(...words);
        if (!String(words[0]).includes("/page/kql")) return answer;
        window.fetch = ask;
        asked();
        return new Promise((resolve, reject) => {
          words[1]?.signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
          window.letGo = () => answer.then(resolve, reject);
        });
      };
    });
  })()`);
  await page.click("#editor textarea");
  await page.press("a", "control");
  await page.type("T | where n > 41");
  await page.value("window.isHeld");
  await page.value(`(() => {
    const databases = document.querySelector("#database");
    databases.value = "other";
    databases.dispatchEvent(new Event("change"));
    window.letGo();
  })()`);
  await page.until(`/'T' does not refer to any known table/.test(${textOf("#problems")})`);
  await page.value(`(() => {
    const databases = document.querySelector("#database");
    databases.value = "demo";
    databases.dispatchEvent(new Event("change"));
  })()`);
  await page.until("document.querySelectorAll('#problems li').length === 0");
});

test("all that while nothing broke, and nobody else was asked for anything", { skip }, () => {
  assert.deepEqual(page.complaints, []);
  assert.ok(!page.requested.some((url) => url.includes("/chart-library.js")), "nobody drew a chart");
  assert.deepEqual(
    page.requested.filter((url) => !url.startsWith(`${emulator.url}/`)),
    [],
  );
});
