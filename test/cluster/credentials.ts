/** Who may talk to the API server: a static token for each component, with the groups that its bootstrap roles expect. */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Identity =
  | 'admin'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kube-proxy'
  | 'kubelet'
  | 'csi-provisioner'
  | 'csi-resizer'
  | 'csi-snapshotter'
  | 'snapshot-controller'
  | 'local-path-provisioner';

interface Account {
  readonly user: string;
  readonly groups: readonly string[];
}

function accounts(nodeName: string): Record<Identity, Account> {
  return {
    admin: { user: 'admin', groups: ['system:masters'] },
    'kube-controller-manager': { user: 'system:kube-controller-manager', groups: [] },
    'kube-scheduler': { user: 'system:kube-scheduler', groups: [] },
    'kube-proxy': { user: 'system:kube-proxy', groups: [] },
    kubelet: { user: `system:node:${nodeName}`, groups: ['system:nodes'] },
    'csi-provisioner': { user: 'csi-provisioner', groups: [] },
    'csi-resizer': { user: 'csi-resizer', groups: [] },
    'csi-snapshotter': { user: 'csi-snapshotter', groups: [] },
    'snapshot-controller': { user: 'snapshot-controller', groups: [] },
    'local-path-provisioner': { user: 'local-path-provisioner', groups: [] },
  };
}

export type Tokens = Readonly<Record<Identity, string>>;

/** Writes the token file and the keys that sign ServiceAccount tokens. */
export function writeCredentials(stateDir: string, nodeName: string): Tokens {
  const entries = Object.entries(accounts(nodeName)).map(([identity, account]) => {
    const token = randomBytes(16).toString('hex');
    const uid = createHash('sha256').update(account.user).digest('hex').slice(0, 12);
    return { identity, token, line: `${token},${account.user},${uid},"${account.groups.join(',')}"` };
  });
  writeFileSync(join(stateDir, 'tokens.csv'), `${entries.map(({ line }) => line).join('\n')}\n`, { mode: 0o600 });
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  writeFileSync(join(stateDir, 'service-account.key'), privateKey, { mode: 0o600 });
  writeFileSync(join(stateDir, 'service-account.pub'), publicKey);
  return Object.fromEntries(entries.map(({ identity, token }) => [identity, token])) as Record<Identity, string>;
}

/** The API server signs its own certificate; the file holds its CA too. */
export function caFile(stateDir: string): string {
  return join(stateDir, 'pki', 'apiserver.crt');
}

export function kubeconfigFile(stateDir: string, identity: Identity): string {
  return join(stateDir, `${identity}.kubeconfig`);
}

export interface KubeconfigOptions {
  readonly stateDir: string;
  readonly server: string;
  readonly name: string;
  readonly tokens: Tokens;
}

/** JSON is YAML. */
export function writeKubeconfigs({ stateDir, server, name, tokens }: KubeconfigOptions): void {
  const ca = readFileSync(caFile(stateDir)).toString('base64');
  for (const identity of Object.keys(tokens) as Identity[]) {
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, 'certificate-authority-data': ca } }],
      users: [{ name: identity, user: { token: tokens[identity] } }],
      contexts: [{ name, context: { cluster: name, user: identity } }],
      'current-context': name,
    };
    writeFileSync(kubeconfigFile(stateDir, identity), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  }
}
