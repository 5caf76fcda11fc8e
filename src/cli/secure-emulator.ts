import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmulatorSecurity } from "../emulator/index.ts";

/** What a client on this machine needs to log in: the secret and the certificate lie in files that only this user can read. */
export interface LoginFiles {
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly appId: string;
  /** `aadapp=<id>;<tenant>`. */
  readonly principal: string;
  readonly certificateFile: string;
  readonly appKeyFile: string;
}

/** Writes the files for the emulator's first application; `remove` takes them away again. */
export function writeLoginFiles(security: EmulatorSecurity): { readonly login: LoginFiles; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "millrace-emulator-"));
  const { authorityHost, tenantId, certificate, applications } = security;
  const { appId, appKey, principal } = applications[0]!;
  const write = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  return {
    login: {
      authorityHost,
      tenantId,
      appId,
      principal,
      certificateFile: write("authority.pem", certificate),
      appKeyFile: write("app-key", appKey),
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function loginHints(url: string, database: string, login: LoginFiles): string {
  const flags = `--app-id ${login.appId} --tenant ${login.tenantId} --app-key-file ${login.appKeyFile} --authority-host ${login.authorityHost}`;
  return `The emulator runs at ${url}, database ${database}. Every request must log in. Ctrl-C ends it and removes the files below.

  export NODE_EXTRA_CA_CERTS=${login.certificateFile}
  millrace ingest FILE --cluster ${url} --database ${database} --table T --create-table ${flags}
  millrace query 'T | take 10' --cluster ${url} --database ${database} ${flags}

  This application is AllDatabasesAdmin; it gives roles to others with .add, as in
  .add database ${database} ingestors ('${login.principal}')
`;
}
