/** Certificates for tests, made by openssl when they are needed: an authority that nobody knows, and what it signs. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Authority {
  /** PEM: what a client has to trust. */
  readonly certificate: string;
  /** @param names as subjectAltName has them: `DNS:archives.example`, `IP:127.0.0.1`. @returns PEM. */
  sign(...names: readonly string[]): { readonly key: string; readonly cert: string };
}

/** @param directory where its files are kept. */
export function createAuthority(directory: string): Authority {
  const file = (name: string) => join(directory, name);
  const make = (name: string, args: readonly string[]) => {
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    const output = ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)];
    execFileSync('openssl', ['req', '-x509', ...kind, ...args, ...output], { stdio: 'ignore' });
  };
  make('ca', ['-subj', '/CN=Company CA']);
  return {
    certificate: readFileSync(file('ca.crt'), 'utf8'),
    sign: (...names) => {
      const extensions = ['-addext', `subjectAltName=${names.join()}`, '-addext', 'basicConstraints=critical,CA:FALSE'];
      const signer = ['-CA', file('ca.crt'), '-CAkey', file('ca.key')];
      make('server', ['-subj', '/CN=server', ...extensions, ...signer]);
      return { key: readFileSync(file('server.key'), 'utf8'), cert: readFileSync(file('server.crt'), 'utf8') };
    },
  };
}
