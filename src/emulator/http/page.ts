import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";

const types: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Everything is the page's own: nothing from elsewhere, no code but its modules, and no other page around it. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** The name of the page's file that a request is for; undefined where it is for the service. */
export function pageFileOf({ method, url = "/", headers }: IncomingMessage): string | undefined {
  if (method !== "GET") return undefined;
  const path = url.replace(/\?.*$/s, "");
  // A browser says what it wants; to any other client there is nothing at the root, as in the service.
  if (path === "/") return headers.accept?.includes("text/html") ? "index.html" : undefined;
  return /^\/page\/([a-z]+(?:-[a-z]+)*\.(?:css|js|svg))$/.exec(path)?.[1];
}

/** Whether a request is the page's looking at what there is, and not its user's. */
export function isPageRefresh({ headers }: IncomingMessage): boolean {
  return headers["x-ms-app"] === "Millrace.Page.Refresh";
}

export async function servePage(file: string, response: ServerResponse): Promise<void> {
  const body = await readFile(new URL(`page/${file}`, import.meta.url)).catch(() => undefined);
  response.writeHead(body ? 200 : 404, {
    "content-type": types[file.slice(file.lastIndexOf(".") + 1)]!,
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
  });
  response.end(body);
}
