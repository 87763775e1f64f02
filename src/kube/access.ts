/** Which API server, and as whom: a kubeconfig's context, or what a pod finds in its own file system. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { type CredentialSources, constantSource, fileSource, type Source } from './credentials.ts';
import { KubeError } from './errors.ts';
import { execIssuer, oidcIssuer } from './issuers.ts';
import { type Cluster, findEntry, loadKubeconfig, type User } from './kubeconfig.ts';

export interface Access {
  readonly server: URL;
  readonly proxy?: string;
  readonly credentials: CredentialSources;
}

export interface AccessOptions {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where a pod finds its token and the cluster's CA. */
  readonly serviceAccountDirectory?: string;
}

/** The file that was asked for, else `$KUBECONFIG`, else the pod's own service account, else `~/.kube/config`. */
export function findAccess(options: AccessOptions): Access {
  const env = options.env ?? process.env;
  const serviceAccount = options.serviceAccountDirectory ?? '/var/run/secrets/kubernetes.io/serviceaccount';
  if (options.kubeconfig !== undefined) return fromFiles([options.kubeconfig], options.context);
  const listed = env['KUBECONFIG']?.split(delimiter).filter((file) => file !== '') ?? [];
  if (listed.length > 0)
    return fromFiles(
      listed.filter((file) => existsSync(file)),
      options.context,
    );
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(join(serviceAccount, 'token'))) {
    return inCluster(env['KUBERNETES_SERVICE_HOST'], env['KUBERNETES_SERVICE_PORT'] ?? '443', serviceAccount);
  }
  return fromFiles([join(homedir(), '.kube', 'config')], options.context);
}

function inCluster(host: string, port: string, serviceAccount: string): Access {
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    credentials: {
      ca: fileSource(join(serviceAccount, 'ca.crt')),
      token: fileSource(join(serviceAccount, 'token')),
      headers: {},
      insecure: false,
    },
  };
}

/** As kubectl merges them: of two entries with one name, the first counts. */
function fromFiles(files: readonly string[], wanted: string | undefined): Access {
  const loaded = files.map(loadKubeconfig);
  const contextName = wanted ?? loaded.find(({ config }) => config['current-context'])?.config['current-context'];
  if (contextName === undefined || contextName === null)
    throw new KubeError('KUBE_CONFIG', 'the kubeconfig has no current context');
  const { context } = findEntry(loaded, (config) => config.contexts, contextName).entry;
  const { entry: cluster, directory: clusterDirectory } = findEntry(
    loaded,
    (config) => config.clusters,
    context.cluster,
  );
  const user = context.user ? findEntry(loaded, (config) => config.users, context.user) : undefined;
  const server = new URL(cluster.cluster.server);
  const proxy = cluster.cluster['proxy-url'];
  const credentials = {
    ...ofCluster(cluster.cluster, clusterDirectory),
    ...ofUser(user?.entry.user ?? {}, cluster.cluster, user?.directory ?? ''),
  };
  const isSecret =
    credentials.token !== undefined || credentials.issuer !== undefined || 'authorization' in credentials.headers;
  if (server.protocol === 'http:' && isSecret) {
    throw new KubeError('KUBE_CONFIG', `credentials would travel in clear text to ${server.origin}`);
  }
  return { server, credentials, ...(proxy && { proxy }) };
}

function ofCluster(cluster: Cluster, directory: string): Pick<CredentialSources, 'ca' | 'servername' | 'insecure'> {
  const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority'], directory);
  const servername = cluster['tls-server-name'];
  return {
    insecure: cluster['insecure-skip-tls-verify'] ?? false,
    ...(ca && { ca }),
    ...(servername && { servername }),
  };
}

function ofUser(
  user: User,
  cluster: Cluster,
  directory: string,
): Omit<CredentialSources, 'ca' | 'servername' | 'insecure'> {
  const cert = pem(user['client-certificate-data'], user['client-certificate'], directory);
  const key = pem(user['client-key-data'], user['client-key'], directory);
  const token = user.tokenFile
    ? fileSource(resolve(directory, user.tokenFile))
    : user.token && constantSource(user.token);
  const basic = user.username && `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
  const issuer = issuerOf(user, cluster);
  return {
    headers: { ...(basic && { authorization: basic }), ...(user.as && { 'impersonate-user': user.as }) },
    ...(cert && { cert }),
    ...(key && { key }),
    ...(token && { token }),
    ...(issuer && { issuer }),
  };
}

function issuerOf(user: User, cluster: Cluster): CredentialSources['issuer'] {
  if (user.exec) return execIssuer(user.exec, cluster);
  const provider = user['auth-provider'];
  if (!provider) return undefined;
  if (provider.name === 'oidc') return oidcIssuer(provider.config ?? {});
  throw new KubeError('KUBE_CONFIG', `auth provider "${provider.name}" is not supported; use an exec plugin`);
}

function pem(data: string | null | undefined, file: string | null | undefined, directory: string): Source | undefined {
  if (data) return constantSource(Buffer.from(data, 'base64').toString('utf8'));
  return file ? fileSource(resolve(directory, file)) : undefined;
}
