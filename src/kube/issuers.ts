/**
 * Credentials that a command or an identity provider issues, by client-node's own code, which is loaded only where a kubeconfig asks for
 * it: the OIDC part pulls in the whole generated client (docs/decisions/0003).
 */
import type { Issued, Issuer } from './credentials.ts';
import { KubeError } from './errors.ts';
import type { Cluster, Exec } from './kubeconfig.ts';

/** The part of client-node's authenticators that is used: they write headers, and a certificate, into request options. */
interface Authenticator {
  applyAuthentication(user: object, options: RequestOptions): Promise<void>;
}

interface RequestOptions {
  headers: Record<string, string>;
  cert?: string;
  key?: string;
}

/** Commands of client.authentication.k8s.io, as cloud providers ship them. */
export function execIssuer(exec: Exec, cluster: Cluster): Issuer {
  const env = [...(exec.env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(execInfo(exec, cluster)) }];
  const user = { name: 'user', exec: { ...exec, args: exec.args ?? [], env } };
  return issuedBy(user, async () => new (await import('@kubernetes/client-node/dist/exec_auth.js')).ExecAuth());
}

export function oidcIssuer(config: Readonly<Record<string, string>>): Issuer {
  const user = { name: 'user', authProvider: { name: 'oidc', config: { ...config } } };
  return issuedBy(
    user,
    async () => new (await import('@kubernetes/client-node/dist/oidc_auth.js')).OpenIDConnectAuth(),
  );
}

function issuedBy(user: object, load: () => Promise<Authenticator>): Issuer {
  let authenticator: Promise<Authenticator> | undefined;
  let asking: Promise<Issued> | undefined;
  const ask = async (): Promise<Issued> => {
    authenticator ??= load();
    const options: RequestOptions = { headers: {} };
    try {
      await (await authenticator).applyAuthentication(user, options);
    } catch (error) {
      // The cause may quote the command's output, which is where tokens come from.
      throw new KubeError('KUBE_UNAUTHORIZED', 'no credentials were issued', {
        cause: error instanceof Error ? new Error(error.name) : undefined,
      });
    }
    return options;
  };
  return (fresh) => {
    // The authenticators keep what they were issued until it expires; a new one has kept nothing.
    if (fresh) authenticator = undefined;
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

function execInfo(exec: Exec, cluster: Cluster): object {
  return {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo && {
        cluster: {
          server: cluster.server,
          'tls-server-name': cluster['tls-server-name'] ?? undefined,
          'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'] ?? undefined,
          'certificate-authority-data': cluster['certificate-authority-data'] ?? undefined,
          'proxy-url': cluster['proxy-url'] ?? undefined,
        },
      }),
    },
  };
}
