import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** A real browser, driven over a pipe by its own protocol: that needs no package, and no WebSocket, which Node 20 has not. */
export interface Browser {
  /** Opens a page of that size and waits until it has loaded. */
  open(url: string, size: { width: number; height: number; dark?: boolean }): Promise<Page>;
  close(): Promise<void>;
}

export interface Page {
  /** The value of an expression, or of the promise that it is. */
  value<T>(expression: string): Promise<T>;
  /** Waits until an expression is true; what it was last is in the error. */
  until(expression: string, forMs?: number): Promise<void>;
  /** Types letters as a keyboard does. */
  type(text: string): Promise<void>;
  /** Presses a key by its name, with Shift or Control. */
  press(key: string, held?: "shift" | "control"): Promise<void>;
  /** Clicks into the middle of an element. */
  click(selector: string): Promise<void>;
  /** Moves the pointer to a place within an element, in parts of its size. */
  point(selector: string, x: number, y: number): Promise<void>;
  resize(size: { width: number; height: number; dark?: boolean }): Promise<void>;
  screenshot(): Promise<Buffer>;
  /** Lets requests fail whose URL is like that, `*` being anything. */
  block(urls: string): Promise<void>;
  /** What went wrong in the page: exceptions, refusals of its content security policy, requests to other hosts. */
  readonly complaints: readonly string[];
  /** The URLs it asked for. */
  readonly requested: readonly string[];
}

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"];

/** The path of a browser of Chromium's kind; undefined where there is none. `CHROME_PATH` names one. */
export function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const candidates = [
    process.env.CHROME_PATH ?? "",
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
  ];
  return candidates.find((path) => path !== "" && existsSync(path));
}

type Parameters = Readonly<Record<string, unknown>>;
// biome-ignore lint/suspicious/noExplicitAny: the protocol's types are a package of their own, and the tests notice what is missing.
type Result = Record<string, any>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Result;
  readonly result?: Result;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

/** `flags` are further ones of the command line. */
export async function startBrowser(path: string, flags: readonly string[] = []): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "millrace-browser-"));
  const child = spawn(
    path,
    [
      ...["--headless=new", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "--no-first-run", "--disable-gpu"],
      // Containers run as root and have little shared memory.
      ...["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"],
      ...["--disable-sync", "--no-default-browser-check", "--mute-audio", "--hide-scrollbars", ...flags, "about:blank"],
    ],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const gone = once(child, "exit");
  const waiting = new Map<number, { resolve: (result: Result) => void; reject: (error: Error) => void }>();
  const listeners = new Map<string, (method: string, parameters: Result) => void>();
  let last = 0;
  gone.then(() => {
    for (const { reject } of waiting.values()) reject(new Error("The browser has ended."));
  });
  receive(child.stdio[4] as Readable, ({ id, method, params, result, error, sessionId }) => {
    if (id === undefined) return void listeners.get(sessionId ?? "")?.(method ?? "", params ?? {});
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error) waiter?.reject(new Error(error.message));
    else waiter?.resolve(result ?? {});
  });
  const send = (method: string, params: Parameters = {}, sessionId?: string): Promise<Result> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      (child.stdio[3] as Writable).write(
        `${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`,
      );
    });
  return {
    async open(url, size) {
      const { targetId } = await send("Target.createTarget", { url: "about:blank" });
      const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
      return openPage(
        (method, params) => send(method, params, sessionId),
        (listen) => listeners.set(sessionId, listen),
        url,
        size,
      );
    },
    async close() {
      await send("Browser.close").catch(() => {});
      await gone;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** Messages end with a NUL. */
function receive(stream: Readable, act: (message: Message) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\0");
    rest = parts.pop()!;
    for (const part of parts) act(JSON.parse(part) as Message);
  });
}

async function openPage(
  send: (method: string, parameters?: Parameters) => Promise<Result>,
  onEvent: (listen: (method: string, parameters: Result) => void) => void,
  url: string,
  size: { width: number; height: number; dark?: boolean },
): Promise<Page> {
  const complaints: string[] = [];
  const requested: string[] = [];
  onEvent((method, { exceptionDetails, entry, request }) => {
    if (method === "Runtime.exceptionThrown")
      complaints.push(exceptionDetails.exception?.description ?? exceptionDetails.text);
    if (method === "Log.entryAdded" && entry.source === "security") complaints.push(entry.text);
    if (method === "Network.requestWillBeSent") requested.push(request.url);
  });
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);
  const value = async <T>(expression: string): Promise<T> => {
    const { result, exceptionDetails } = await send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails)
      throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value as T;
  };
  const until = async (expression: string, forMs = 15_000) => {
    const end = Date.now() + forMs;
    for (;;) {
      if (await value<boolean>(`Boolean(${expression})`)) return;
      if (Date.now() > end)
        throw new Error(`In vain: ${expression}; the page says: ${await value<string>("document.body.innerText")}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const resize: Page["resize"] = async ({ width, height, dark = false }) => {
    await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
    });
  };
  const placeOf = (selector: string, x: number, y: number) =>
    value<{ x: number; y: number }>(`(() => {
      const found = document.querySelector(${JSON.stringify(selector)});
      found.scrollIntoView({ block: "center" });
      const { left, top, width, height } = found.getBoundingClientRect();
      return { x: left + width * ${x}, y: top + height * ${y} };
    })()`);
  const mouse = (type: string, at: { x: number; y: number }, more: Parameters = {}) =>
    send("Input.dispatchMouseEvent", { type, ...at, ...more });
  await resize(size);
  await send("Page.navigate", { url });
  await until("document.readyState === 'complete' && location.href !== 'about:blank'");
  return {
    value,
    until,
    complaints,
    requested,
    resize,
    async type(text) {
      for (const letter of text) {
        const key =
          letter === "\n"
            ? { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" }
            : { key: letter, text: letter };
        await send("Input.dispatchKeyEvent", { type: "keyDown", ...key });
        await send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
      }
    },
    async press(key, held) {
      const code = { Enter: 13, Escape: 27, ArrowDown: 40, ArrowRight: 39, Tab: 9, " ": 32, a: 65 }[key] ?? 0;
      const event = {
        key,
        code: key === " " ? "Space" : key,
        windowsVirtualKeyCode: code,
        modifiers: held === "shift" ? 8 : held === "control" ? 2 : 0,
        // The letters of a chord are no text, and the browser's own commands must be named.
        ...(key === "a" && held === "control" ? { commands: ["selectAll"] } : {}),
      };
      // Enter is a letter as well: without it no form is sent.
      await send(
        "Input.dispatchKeyEvent",
        key === "Enter" ? { type: "keyDown", ...event, text: "\r" } : { type: "rawKeyDown", ...event },
      );
      await send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
    },
    async click(selector) {
      const at = await placeOf(selector, 0.5, 0.5);
      await mouse("mousePressed", at, { button: "left", clickCount: 1 });
      await mouse("mouseReleased", at, { button: "left", clickCount: 1 });
    },
    async point(selector, x, y) {
      await mouse("mouseMoved", await placeOf(selector, x, y));
    },
    async block(urls) {
      await send("Network.setBlockedURLs", { urls: [urls] });
    },
    screenshot: async () =>
      Buffer.from((await send("Page.captureScreenshot", { format: "png" })).data as string, "base64"),
  };
}
