/** What `--json` ends with where a command has failed: one thing for a program to read. */
export function failureLine(code: string, message: string): string {
  return `${JSON.stringify({ ok: false, error: { code, message } })}\n`;
}
