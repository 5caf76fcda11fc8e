import { createHmac, randomBytes } from "node:crypto";

/** A storage account of this emulator run: its name and key are made up at each start. */
export interface Account {
  readonly name: string;
  readonly key: string;
}

export function randomAccount(): Account {
  return { name: `mr${randomBytes(8).toString("hex")}`, key: randomBytes(64).toString("base64") };
}

/** Protocol version of our signatures; Azurite knows all of them. */
const version = "2020-12-06";

const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");

function signed(account: Account, parts: Record<string, string>, toSign: readonly string[]): string {
  const signature = createHmac("sha256", Buffer.from(account.key, "base64")).update(toSign.join("\n")).digest("base64");
  return new URLSearchParams({ ...parts, sig: signature }).toString();
}

/** A service SAS of a container, of `lifeMs`; rights as in "rw". Field order: Azure's "Create a service SAS". */
export function containerSas(account: Account, container: string, rights: string, lifeMs: number): string {
  const [st, se] = [iso(Date.now() - 300_000), iso(Date.now() + lifeMs)];
  const resource = `/blob/${account.name}/${container}`;
  const toSign = [rights, st, se, resource, "", "", "", version, "c", "", "", "", "", "", "", ""];
  return signed(account, { sv: version, st, se, sr: "c", sp: rights }, toSign);
}

export function queueSas(account: Account, queue: string, rights: string, lifeMs: number): string {
  const [st, se] = [iso(Date.now() - 300_000), iso(Date.now() + lifeMs)];
  const toSign = [rights, st, se, `/queue/${account.name}/${queue}`, "", "", "", version];
  return signed(account, { sv: version, st, se, sp: rights }, toSign);
}

export function tableSas(account: Account, table: string, rights: string, lifeMs: number): string {
  const [st, se] = [iso(Date.now() - 300_000), iso(Date.now() + lifeMs)];
  const toSign = [rights, st, se, `/table/${account.name}/${table}`.toLowerCase(), "", "", "", version, "", "", "", ""];
  return signed(account, { sv: version, st, se, tn: table, sp: rights }, toSign);
}

/** An account SAS for the table service, for our own use at start: Azure's "Create an account SAS". */
export function tableAccountSas(account: Account): string {
  const [st, se] = [iso(Date.now() - 300_000), iso(Date.now() + 600_000)];
  const parts = { sv: version, ss: "t", srt: "sco", sp: "rwdlacu", st, se };
  return signed(account, parts, [account.name, "rwdlacu", "t", "sco", st, se, "", "", version, "", ""]);
}
