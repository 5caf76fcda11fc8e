/** Options of the API, as messages name them, by the flags of the command line that set them. */
export const flagOf: Readonly<Record<string, string>> = {
  acceptDuplicates: "--accept-duplicates",
  additionalTags: "--tag",
  appId: "--app-id",
  appKey: "--app-key-file",
  attemptTimeoutMs: "--attempt-timeout-ms",
  authorityHost: "--authority-host",
  azureCli: "--azure-cli",
  batchIntervalMs: "--batch-interval-ms",
  batchSize: "--batch-size",
  certificatePath: "--certificate",
  checkpointMs: "--checkpoint-ms",
  clientBatchSizeLimit: "--client-batch-size-limit",
  commitMode: "--commit-mode",
  deadLetter: "--dead-letter",
  defaultCredential: "--default-credential",
  deliveryGuarantee: "--guarantee",
  flushImmediately: "--flush-immediately",
  gzipLevel: "--gzip-level",
  malformedText: "--malformed-text",
  ingestionMappingRef: "--mapping",
  managedIdentityAppId: "--managed-identity",
  parallelism: "--parallelism",
  pollForIngestionStatus: "--wait",
  pollTimeoutMs: "--wait-timeout-ms",
  retryTimeoutMs: "--retry-timeout-ms",
  tenantId: "--tenant",
  trustedHosts: "--trusted-host",
  workloadIdentity: "--workload-identity",
};

/** Advice that takes other words here, because a name alone would not do, or the command line has no such option. */
const phrases: readonly (readonly [RegExp, string])[] = [
  [/^(?:open|kusto|files|stdin)\(\): /, ""],
  [/\bingestByTags and additionalTags\b/g, "--tag"],
  [/\bname an ingestionMappingRef\b/g, "give --mapping"],
  [/, use format "ndjson", or\b/g, ", or"],
  [/\ba state: fileState\(folder\)/g, "--state FOLDER"],
  [/\bsay with path which\b/g, "say with --path which"],
  [/\. path "\$" reads the object itself\.$/, ". --path '$$' reads the object itself."],
  [/\bif the file has no header, say header: false\.$/, "if the file has no header, say --no-header."],
  [
    /\bmay be a line before it: skipLines or comment leaves\b/,
    "may be a line before it: --skip-lines or --comment leaves",
  ],
  [/; ragged: "pad" (?=reads the missing fields|leaves out the empty fields)/, "; --ragged pad "],
  [/\bsay which it is: /g, "say with --format which it is: "],
  [/\bmalformedText: "replace" sends U\+FFFD\b/g, "--malformed-text replace sends U+FFFD"],
  [/\bWith a dead letter it would go there\b/g, "With --dead-letter FILE it would go there"],
];

const names = new RegExp(`\\b(${Object.keys(flagOf).join("|")})\\b(?:: true\\b)?(?: \\(--[a-z-]+\\))?`, "g");

/** The reason of a rejected record, of which most is data: only whole sentences are looked for. */
export function inPhrases(reason: string): string {
  return phrases.reduce((text, [phrase, words]) => text.replace(phrase, words), reason);
}

/** A message of the library in the words of the command line: `acceptDuplicates: true` is `--accept-duplicates`. */
export function inFlags(message: string): string {
  return inPhrases(message).replace(names, (_, name: string) => flagOf[name]!);
}
