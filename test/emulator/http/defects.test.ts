import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { kustoAdmin } from "../../../src/connectors/kusto/admin.ts";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { refusal } from "../ask.ts";

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator();
});
after(() => emulator.close());

test("a defect of the emulator is told as permanent, and a client does not repeat the request", async (t) => {
  // biome-ignore lint/suspicious/noExplicitAny: the package has no types that could be loaded
  const { KustoCode } = (globalThis as any).Kusto.Language;
  const { mock } = t.mock.method(KustoCode, "ParseAndAnalyze", () => {
    throw new TypeError("a defect of the parser");
  });
  const { status, code, message, permanent } = await refusal(emulator, "print 1");
  assert.deepEqual({ status, code, permanent }, { status: 500, code: "General_InternalServerError", permanent: true });
  assert.match(message, /Internal error of the emulator: a defect of the parser/);
  const admin = await kustoAdmin({ cluster: emulator.url, database: "demo" }, undefined, { retryBaseMs: 1 });
  try {
    const before = mock.callCount();
    await assert.rejects(admin.query("print 2"), { retryable: false, message: /a defect of the parser/ });
    assert.equal(mock.callCount(), before + 1);
  } finally {
    admin.close();
  }
});
