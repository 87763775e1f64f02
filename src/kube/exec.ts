/**
 * Runs a command in a container: the API's exec over a WebSocket, in the sub-protocol that kubectl speaks (KEP-4006).
 *
 * Each binary message is one byte that names a channel, and what comes on it: 1 standard output, 2 standard error, 3 the outcome as a Status.
 */
import { WebSocket } from 'undici';
import * as z from 'zod';
import { pods } from '../api/resources.ts';
import { errorOf, writeOutcome } from './answers.ts';
import { KubeError } from './errors.ts';
import type { CallOptions, ExecCommand, ExecOutcome, ObjectKey } from './kube-client.ts';
import { objectPath } from './paths.ts';
import { brokenError, type Call, type SocketTarget, type Transport } from './transport.ts';

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const OUTCOME_CHANNEL = 3;
/** The last words of a command are enough to tell what went wrong. */
const MAX_OUTPUT = 2_000;
const DEFAULT_TIMEOUT_MS = 30_000;

export async function exec(
  transport: Transport,
  key: ObjectKey,
  { container, command }: ExecCommand,
  options: CallOptions = {},
): Promise<ExecOutcome> {
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' });
  for (const word of command) query.append('command', word);
  const path = `${objectPath(pods, { ...key, subresource: 'exec' })}?${query.toString()}`;
  const call: Call = { verb: 'exec', resource: 'pods', method: 'POST', path, idempotent: false };
  const target = await transport.socketTarget(call);
  options.guard?.();
  const ended = await converse(target, call, options);
  return ended ?? whyNot(transport, call, options);
}

/** Undefined: the server did not open the conversation. */
function converse(target: SocketTarget, call: Call, options: CallOptions): Promise<ExecOutcome | undefined> {
  const { url, headers, dispatcher } = target;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { protocols: PROTOCOLS, headers, dispatcher });
    socket.binaryType = 'arraybuffer';
    let opened = false;
    let output = '';
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.close();
      settle();
    };
    const onAbort = () => end(() => reject(failed(call, 'KUBE_ABORTED', 'stopped by the caller')));
    const timer = setTimeout(
      () => end(() => reject(failed(call, 'KUBE_TIMEOUT', `the command did not end within ${timeoutMs} ms`))),
      timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    socket.addEventListener('open', () => {
      opened = true;
    });
    socket.addEventListener('message', ({ data }) => {
      const bytes = Buffer.from(data as ArrayBuffer);
      const text = bytes.subarray(1).toString('utf8');
      if (bytes[0] !== OUTCOME_CHANNEL) output = `${output}${text}`.slice(-MAX_OUTPUT);
      else end(() => resolve(outcomeOf(text, output)));
    });
    socket.addEventListener('close', () =>
      end(() =>
        opened ? reject(brokenError(call, new Error('the connection ended before the command'))) : resolve(undefined),
      ),
    );
  });
}

const statusSchema = z.object({
  status: z.string().optional(),
  message: z.string().default(''),
  details: z
    .object({
      causes: z.array(z.object({ reason: z.string().optional(), message: z.string().optional() })).default([]),
    })
    .optional(),
});

function outcomeOf(text: string, output: string): ExecOutcome {
  const { status, message, details } = statusSchema.parse(JSON.parse(text));
  if (status === 'Success') return { type: 'ended', exitCode: 0, output };
  const code = details?.causes.find(({ reason }) => reason === 'ExitCode')?.message;
  return code === undefined ? { type: 'refused', message } : { type: 'ended', exitCode: Number(code), output };
}

/** A WebSocket says nothing of the answer that it was refused with. The same request without an upgrade is answered in words and runs nothing. */
async function whyNot(transport: Transport, call: Call, options: CallOptions): Promise<ExecOutcome> {
  const answer = await transport.send(call, options);
  if (answer.status === 404) return { type: 'absent' };
  // 400: the upgrade is missing, so all else was in order just now.
  if (answer.status === 400) throw brokenError(call, new Error('no WebSocket'));
  const outcome = answer.status === 403 ? writeOutcome(call, answer) : undefined;
  if (outcome?.type !== 'refused') throw errorOf(call, answer);
  return { type: 'refused', message: outcome.message };
}

function failed(call: Call, code: 'KUBE_ABORTED' | 'KUBE_TIMEOUT', why: string): KubeError {
  return new KubeError(code, `exec pods: ${why}`, { verb: call.verb, resource: call.resource });
}
