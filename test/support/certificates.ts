/** Certificates made for one test run: an authority, and those that it vouches for. Needs openssl. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Identity {
  readonly key: string;
  readonly cert: string;
}

export interface Authority {
  /** PEM file. */
  readonly file: string;
  readonly cert: string;
  /**
   * As server and as client.
   * @param names as subjectAltName has them; default: `IP:127.0.0.1`.
   */
  issue(name: string, ...names: readonly string[]): Identity;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** @param dir where its files go. */
export function createAuthority(dir: string): Authority {
  const at = (name: string) => join(dir, name);
  const openssl = (...args: string[]) => void execFileSync('openssl', args, { stdio: 'ignore' });
  openssl(
    'req',
    '-x509',
    ...KEY,
    '-days',
    '1',
    '-subj',
    '/CN=authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
  );
  return {
    file: at('ca.crt'),
    cert: readFileSync(at('ca.crt'), 'utf8'),
    issue(name, ...names) {
      const [key, request, cert, extensions] = ['key', 'csr', 'crt', 'ext'].map((kind) => at(`${name}.${kind}`)) as [
        string,
        string,
        string,
        string,
      ];
      writeFileSync(extensions, `subjectAltName=${names.join() || 'IP:127.0.0.1'}\n`);
      openssl('req', ...KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
      const signer = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '1'];
      openssl('x509', '-req', '-in', request, ...signer, '-extfile', extensions, '-out', cert);
      return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
    },
  };
}
