import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";

/**
 * What the guarantee stands on, each taken away once in a copy of the sources: the model has to see a record lost or
 * repeated. A safeguard whose absence nobody notices is either none, or the model is blind to it.
 */
interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const service = "test/integrity/model/service.ts";
const staged = "src/connectors/kusto/commit/staged.ts";

const noBlobTag: Edit = {
  file: staged,
  find: "const blobs = extent.tags.flatMap((tag) => blobOf.get(tag) ?? []);",
  replace: "const blobs = extent.tags.length > 0 ? [...sent] : [];",
};

const takeOver = "src/connectors/kusto/commit/take-over.ts";
const tagged = "src/connectors/kusto/commit/tagged.ts";
const files = "src/connectors/files";

/** To ask once more before the commit finds most of what the first question came too early for. */
const askingAgainGone: Edit = {
  file: staged,
  find: 'else if (await isThere(!isInherited)) await epoch.advance({ step: "COMMITTED" });',
  replace: "",
};

const safeguards: Readonly<Record<string, readonly Edit[]>> = {
  "fsync of the log": [{ file: "src/log/segments.ts", find: "await (await segment.file).sync();", replace: "" }],
  "fsync of the journal": [
    {
      file: "src/checkpoint/journal.ts",
      find: "        await file.append(frame(size, [payloadOf(written)]));\n        await file.sync();",
      replace: "        await file.append(frame(size, [payloadOf(written)]));",
    },
  ],
  "the CRC of a frame": [
    {
      file: "src/log/frame.ts",
      find: "if (crc32c(payload) === view.getUint32(8, true))",
      replace: "if (payload.length > 0)",
    },
  ],
  "a tag for every blob: the sum of the rows under the attempt's tag does not tell": [noBlobTag],
  // Where every blob has its tag, the attempt in it is a second line: each extent then holds what the others hold.
  "a tag for every attempt and blob": [
    noBlobTag,
    { file: staged, find: "epoch.tag}/$" + "{attempt}`;", replace: "epoch.tag}/1`;" },
  ],
  "moving by the ids of the extents": [
    {
      file: service,
      find: "const moved = extents.map((id) => table.get(id)!);",
      replace: "const moved = [...table.values()];",
    },
  ],
  "waiting for an append that is under way before the target is asked": [
    {
      file: service,
      find: 'if (!isPrompt && mode === "append" && appends.length > 0)',
      replace: 'if (!isPrompt && mode === "append" && appends.length < 0)',
    },
  ],
  "the generation's own staging": [
    { file: takeOver, find: "if (name !== own.name)", replace: "if (name === own.lineage)" },
    askingAgainGone,
  ],
  "asking the target before an attempt is repeated": [
    {
      file: staged,
      find: 'if (await isThere()) await epoch.advance({ step: "COMMITTED" });',
      replace: 'if (attempt < 0) await epoch.advance({ step: "COMMITTED" });',
    },
    askingAgainGone,
  ],
  "the generation of what was submitted": [
    { file: staged, find: "if (progress.generation !== generation) {", replace: "if (progress.generation < 0) {" },
  ],
  "the lease at every decision": [
    {
      file: "src/checkpoint/journal.ts",
      find: "    await refuseIfPassed();\n    isSound = true;",
      replace: "    isSound = true;",
    },
  ],
  "comparing the target with the state": [
    {
      file: "src/deliver/held-epochs.ts",
      find: "  if (unknown) throw",
      replace: "  if (unknown && held.length < 0) throw",
    },
  ],
  "asking the target before each commit": [askingAgainGone],
  "the lineage in an epoch's identity": [
    {
      file: "src/checkpoint/coordinator.ts",
      find: "identity: `$" + "{lineage}.$" + "{digestOf(batches)}`",
      replace: "identity: `0123456789ab.0`",
    },
    {
      file: "src/checkpoint/lineage.ts",
      find: "  if (at < 0) return newest < (known[0]?.from ?? head + 1);",
      replace: "  if (at < 0) return newest <= head;",
    },
  ],
  "the claim of an epoch's number": [
    { file: tagged, find: "const tags = [tag, ...claims];", replace: "const tags = [tag];" },
  ],
  "claims one after another": [
    {
      file: tagged,
      find: "  await unlessAborted(turn.before, signal, `epoch $" + "{number}: waiting for the epoch before it`);",
      replace: "",
    },
  ],
};

/** Of the folder as a destination. */
const fileSafeguards: Readonly<Record<string, readonly Edit[]>> = {
  "fsync of the parts": [{ file: `${files}/part-file.ts`, find: "        await file?.sync();\n", replace: "" }],
  "fsync of a draft's folder": [
    {
      file: `${files}/parts.ts`,
      find: `    await onDisk(draft, "syncing it", () => disk.syncFolder(draft), false);\n`,
      replace: "",
    },
  ],
  "a draft for each attempt": [
    { file: `${files}/committer.ts`, find: "history.lineage, token)", replace: `"aa", "bb")` },
  ],
  "leaving the drafts of others, as long as there is no claim": [
    {
      file: `${files}/committer.ts`,
      find: "    const token = drawToken();\n",
      replace:
        "    const token = drawToken();\n    for (const name of await target.disk.list(target.parts)) await removeDraft(target.disk, join(target.parts, name));\n",
    },
  ],
  "a claim that is made once": [
    {
      file: `${files}/claims.ts`,
      find: "disk.createNew(path, content)",
      replace: "disk.remove(path).then(() => disk.createNew(path, content))",
    },
  ],
  "fsync of the claim before a part is renamed": [
    { file: `${files}/committer.ts`, find: "      await chain.sync();\n", replace: "" },
  ],
  "following the list of the claim": [
    {
      file: `${files}/committer.ts`,
      find: "if (own) return chain.load(own.number);",
      replace:
        "if (own) return { ...(await chain.load(own.number)), ...(draft && { files: claimWith(epoch, draft).files }) };",
    },
  ],
  "fsync of the folders before the epoch is committed": [
    {
      file: `${files}/target-folder.ts`,
      find: `    await onDisk(each, "syncing it", () => unlessGone(disk.syncFolder(each)), false);\n  // Behind`,
      replace: "    await Promise.resolve(each);\n  // Behind",
    },
  ],
  "files claimed one epoch after another": [
    {
      file: `${files}/committer.ts`,
      find: "    await unlessAborted(turn.before, signal, `epoch $" + "{number}: waiting for the epoch before it`);\n",
      replace: "",
    },
  ],
  "comparing the claims with the state before each claim": [
    { file: `${files}/committer.ts`, find: "      refuseIfBehind(history, table, heldIn(claims));\n", replace: "" },
  ],
  "the identity in a claim": [
    {
      file: `${files}/committer.ts`,
      find: "if (found && found.identity !== identityOf(epoch))",
      replace: `if (found && found.identity === "")`,
    },
  ],
  "looking for later epochs where a claim may have been removed": [
    {
      file: `${files}/committer.ts`,
      find: "    if (later) throw",
      replace: "    if (later && claims.length < 0) throw",
    },
  ],
  "looking whether a claim is behind the newest one": [
    {
      file: `${files}/claims.ts`,
      find: `if ((await read()).some(({ token }) => token === claim.token)) return "made";`,
      replace: `return "made";`,
    },
  ],
  "the link from a claim to the one before it": [
    { file: `${files}/claims.ts`, find: "chain[0]!.after !== head.token", replace: `chain[0]!.after === ""` },
  ],
};

/** Where it is not "move". */
const modes: Readonly<Record<string, string>> = {
  "waiting for an append that is under way before the target is asked": "append",
  // Where no staging stands between: one that goes on in a zombie comes into the target at once.
  "the lease at every decision": "tag",
  "the claim of an epoch's number": "tag",
  "claims one after another": "tag",
};

const root = resolve("build", "mutants");
before(() => {
  rmSync(root, { recursive: true, force: true }); // of a run that was killed
  mkdirSync(root, { recursive: true });
});
after(() => rmSync(root, { recursive: true, force: true }));

const all = [
  ...Object.entries(safeguards).map(([name, edits]) => ({ name, edits, of: ["--mode", modes[name] ?? "move"] })),
  ...Object.entries(fileSafeguards).map(([name, edits]) => ({ name, edits, of: ["--destination", "files"] })),
];

for (const [index, { name, edits, of }] of all.entries())
  test(`without ${name}, the model finds a violation`, () => {
    const copy = join(root, String(index));
    for (const part of ["src", "test/integrity/model", "package.json", "tsconfig.json"])
      cpSync(part, join(copy, part), { recursive: true });
    symlinkSync(resolve("node_modules"), join(copy, "node_modules"));
    for (const { file, find, replace } of edits) {
      const path = join(copy, file);
      const text = readFileSync(path, "utf8");
      assert.equal(text.split(find).length, 2, `${file} no longer has: ${find}`);
      writeFileSync(
        path,
        text.replace(find, () => replace),
      );
    }
    const run = spawnSync(
      process.execPath,
      [...["--import", "tsx", "test/integrity/model/main.ts", "--trials", "4000", "--until-violation"], ...of],
      { cwd: copy, encoding: "utf8", timeout: 500_000 },
    );
    assert.equal(run.status, 1, `no violation in 4000 trials:\n${run.stdout}\n${run.stderr}`);
    assert.match(run.stdout, /^violation: seed \d+/m);
  });
