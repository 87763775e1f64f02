/** The verbs, on a transport. */
import type { KubeObject } from '../api/objects.ts';
import { apiVersionOf, pods, type Resource } from '../api/resources.ts';
import { errorOf, parseBody, parseObject, writeOutcome } from './answers.ts';
import { isKubeError, KubeError } from './errors.ts';
import { exec } from './exec.ts';
import type { Answer } from './exchange.ts';
import type {
  CallOptions,
  KubeClient,
  KubeReader,
  KubeWriter,
  ListPage,
  WatchEvent,
  WriteOutcome,
} from './kube-client.ts';
import { collectionPath, groupVersionPath, objectPath, resourceName, withQuery } from './paths.ts';
import { brokenError, type Call, type Transport } from './transport.ts';
import { parseWatchLine, readLines } from './watch-lines.ts';

export function createClient(transport: Transport): KubeClient {
  return { ...reader(transport), ...writer(transport) };
}

function reader(transport: Transport): KubeReader {
  const read = async (call: Call, options: CallOptions | undefined): Promise<Answer> => {
    const answer = await transport.send(call, options);
    if (answer.status !== 200) throw errorOf(call, answer);
    return answer;
  };
  return {
    async get(resource, key, options) {
      const call = readCall('get', resource, objectPath(resource, key));
      const answer = await transport.send(call, options);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw errorOf(call, answer);
      return parseObject(call, answer);
    },

    async listPage(resource, { namespace, continueToken, ...query }, options) {
      const path = withQuery(collectionPath(resource, namespace), { ...query, continue: continueToken });
      const call = readCall('list', resource, path);
      return toPage(resource, call, await read(call, options));
    },

    watch: (resource, { namespace, allowBookmarks, ...query }, { signal }) => {
      const path = withQuery(collectionPath(resource, namespace), {
        ...query,
        allowWatchBookmarks: allowBookmarks,
        watch: true,
      });
      return watchEvents(transport, readCall('watch', resource, path), signal);
    },

    async podLog(key, { container, tailLines, limitBytes }, options) {
      const path = withQuery(objectPath(pods, { ...key, subresource: 'log' }), { container, tailLines, limitBytes });
      const call = { ...readCall('log', pods, path), accept: 'text/plain, application/json' };
      const answer = await transport.send(call, options);
      // 400: the container waits to start, or there is none of that name.
      if (answer.status === 404 || answer.status === 400) return undefined;
      if (answer.status !== 200) throw errorOf(call, answer);
      return answer.body;
    },

    async serverVersion(options) {
      const call = readCall('version', undefined, '/version');
      const body = parseBody(call, await read(call, options));
      if (typeof body === 'object' && body !== null && 'gitVersion' in body) return String(body.gitVersion);
      throw new KubeError('KUBE_BAD_ANSWER', 'version: the answer names no version', { verb: 'version' });
    },

    async hasResource(resource, options) {
      const call = readCall('discover', resource, groupVersionPath(resource));
      const answer = await transport.send(call, options);
      if (answer.status === 404) return false;
      if (answer.status !== 200) throw errorOf(call, answer);
      const list = parseBody(call, answer) as { readonly resources?: readonly { readonly name: string }[] };
      return list.resources?.some(({ name }) => name === resource.plural) ?? false;
    },
  };
}

function writer(transport: Transport): KubeWriter {
  const write = async <T extends KubeObject>(call: Call, options: CallOptions | undefined): Promise<WriteOutcome<T>> =>
    writeOutcome<T>(call, await transport.send(call, options));
  return {
    create: (resource, object, options) => {
      const { namespace, name } = object.metadata;
      return write(
        {
          verb: 'create',
          resource: resourceName(resource),
          method: 'POST',
          path: createPath(resource, namespace),
          body: object,
          // With a generated name a second arrival makes a second object.
          idempotent: name !== undefined,
        },
        options,
      );
    },

    mergePatch: (resource, key, body, options) =>
      write(
        patchCall(
          resource,
          objectPath(resource, { ...key, subresource: options?.subresource }),
          body,
          'application/merge-patch+json',
        ),
        options,
      ),

    apply: (resource, key, body, options) => {
      const { fieldManager, force, subresource } = options;
      const path = withQuery(objectPath(resource, { ...key, subresource }), { fieldManager, force });
      // JSON is YAML.
      return write(patchCall(resource, path, body, 'application/apply-patch+yaml'), options);
    },

    exec: (key, command, options) => exec(transport, key, command, options),

    delete: (resource, key, options) => {
      const { uid, resourceVersion, gracePeriodSeconds, propagationPolicy } = options;
      const body = {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        preconditions: { uid, resourceVersion },
        gracePeriodSeconds,
        propagationPolicy,
      };
      const path = objectPath(resource, key);
      return write(
        { verb: 'delete', resource: resourceName(resource), method: 'DELETE', path, body, idempotent: true },
        options,
      );
    },
  };
}

function readCall(verb: string, resource: Resource | undefined, path: string): Call {
  return { verb, resource: resource && resourceName(resource), method: 'GET', path, idempotent: true };
}

function patchCall(resource: Resource, path: string, body: object, contentType: string): Call {
  return {
    verb: 'patch',
    resource: resourceName(resource),
    method: 'PATCH',
    path,
    body,
    contentType,
    idempotent: true,
  };
}

function createPath(resource: Resource, namespace: string | undefined): string {
  if (resource.namespaced && namespace === undefined)
    throw new TypeError(`create ${resourceName(resource)} without a namespace`);
  return collectionPath(resource, namespace);
}

interface RawList<T> {
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

function toPage<T extends KubeObject>(resource: Resource<T>, call: Call, answer: Answer): ListPage<T> {
  const { items, metadata } = parseBody(call, answer) as RawList<T>;
  if (metadata?.resourceVersion === undefined) {
    throw new KubeError('KUBE_BAD_ANSWER', `list ${call.resource}: the answer is not a list`, {
      verb: 'list',
      resource: call.resource,
    });
  }
  // Items of built-in lists come without them; the same object from a watch has them.
  const typeMeta = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  return {
    items: (items ?? []).map((item) => ({ ...typeMeta, ...item })),
    resourceVersion: metadata.resourceVersion,
    ...(metadata.continue && { continueToken: metadata.continue }),
  };
}

async function* watchEvents<T extends KubeObject>(
  transport: Transport,
  call: Call,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void> {
  try {
    const { status, body, headers } = await transport.open(call, signal);
    if (status !== 200) throw errorOf(call, { status, headers, body: await body.text() });
    for await (const line of readLines(body)) yield parseWatchLine<T>(line);
  } catch (error) {
    if (signal.aborted) return;
    throw isKubeError(error) ? error : brokenError(call, error);
  }
}
