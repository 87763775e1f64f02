/** A real S3 server (versitygw on a directory), which checks signatures. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { ensureBinaries, sourceServers } from '../cluster/index.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export interface S3Server extends ServerProcess {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** What it stores: bucket and key are the path below. */
  readonly data: string;
  /** The bucket is made where it is missing. */
  put(bucket: string, key: string, body: Buffer): Promise<void>;
}

/** @param tls PEM files; with them it speaks https alone, and `put` is not to be used. */
export async function startS3Server(
  dir: string,
  tls?: { readonly cert: string; readonly key: string },
): Promise<S3Server> {
  const program = join(await ensureBinaries(console.log, sourceServers), 'versitygw');
  const keys = { accessKeyId: 'AKIDTEST', secretAccessKey: 'geheim+/=key', region: 'eu-test-1' };
  const data = join(dir, 'data');
  mkdirSync(data);
  const secured = tls === undefined ? [] : ['--cert', tls.cert, '--key', tls.key];
  const server = await startServer({
    program,
    args: (port) => ['--port', `127.0.0.1:${port}`, '--region', keys.region, '--quiet', ...secured, 'posix', data],
    env: { ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey },
    dir,
  });
  const client = new AwsClient({ ...keys, service: 's3' });
  return {
    ...server,
    url: tls === undefined ? server.url : server.url.replace('http:', 'https:'),
    ...keys,
    data,
    put: async (bucket, key, body) => {
      await accepted(client.fetch(`${server.url}/${bucket}`, { method: 'PUT' }), [200, 409]);
      const path = key.split('/').map(encodeURIComponent).join('/');
      await accepted(
        client.fetch(`${server.url}/${bucket}/${path}`, { method: 'PUT', body: new Uint8Array(body) }),
        [200],
      );
    },
  };
}

async function accepted(asked: Promise<Response>, statuses: readonly number[]): Promise<void> {
  const response = await asked;
  if (!statuses.includes(response.status))
    throw new Error(`the server answered ${response.status}: ${await response.text()}`);
}
