/** From HTTP answers to outcomes, objects and errors. */
import * as z from 'zod';
import type { KubeObject } from '../api/objects.ts';
import { KubeError, type KubeErrorCode } from './errors.ts';
import type { Answer } from './exchange.ts';
import type { RefusalReason, Status, WriteOutcome } from './kube-client.ts';
import { parseRetryAfter } from './retry.ts';
import type { Call } from './transport.ts';

const statusSchema = z.object({
  kind: z.literal('Status'),
  code: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z
    .object({
      retryAfterSeconds: z.number().optional(),
      causes: z
        .array(
          z.object({ reason: z.string().optional(), message: z.string().optional(), field: z.string().optional() }),
        )
        .optional(),
    })
    .optional(),
});

/** Undefined when the value is no metav1.Status: a proxy's own error page, for example. */
export function parseStatus(value: unknown): Status | undefined {
  const parsed = statusSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

export function parseBody(call: Call, answer: Answer): unknown {
  try {
    return JSON.parse(answer.body);
  } catch {
    throw new KubeError('KUBE_BAD_ANSWER', `${subject(call)}: the answer is not JSON`, details(call, answer));
  }
}

/** The API server validated what it stores, so an object's shape is not checked again. */
export function parseObject<T extends KubeObject>(call: Call, answer: Answer): T {
  return parseBody(call, answer) as T;
}

export function writeOutcome<T extends KubeObject>(call: Call, answer: Answer): WriteOutcome<T> {
  if (answer.status >= 200 && answer.status < 300) {
    const body = parseBody(call, answer);
    if (call.verb === 'delete' && endsDeletion(body as T)) return { type: 'absent' };
    return { type: 'done', object: body as T };
  }
  const status = statusOf(answer);
  const message = status?.message ?? `HTTP ${answer.status}`;
  switch (answer.status) {
    case 404:
      return { type: 'absent' };
    case 409:
      return status?.reason === 'AlreadyExists' ? { type: 'exists' } : { type: 'conflict', message };
    case 403:
      return { type: 'refused', reason: refusalReason(status), message };
    case 400:
    case 422:
      // How the API server says that a uid precondition in a patch did not hold.
      if (status?.details?.causes?.some(({ field }) => field === 'metadata.uid')) return { type: 'conflict', message };
      return { type: 'refused', reason: 'Invalid', message };
    case 405:
      // A kind whose CRD is being deleted takes no new objects.
      return { type: 'refused', reason: 'KindNotServed', message };
    case 413:
      return { type: 'refused', reason: 'TooLarge', message };
    default:
      throw errorOf(call, answer);
  }
}

/** A delete that removed the object is answered with a Status, or with the last state of an object that never was to be deleted. */
function endsDeletion(body: KubeObject): boolean {
  return parseStatus(body) !== undefined || body.metadata.deletionTimestamp === undefined || isGone(body);
}

/** Whether a deletion is complete: what the answer carries is then the object's last state. */
export function isGone(object: KubeObject): boolean {
  const meta: KubeObject['metadata'] & { readonly deletionGracePeriodSeconds?: number } = object.metadata;
  if (meta.deletionTimestamp === undefined) return false;
  return (meta.finalizers ?? []).length === 0 && (meta.deletionGracePeriodSeconds ?? 0) === 0;
}

function refusalReason(status: Status | undefined): RefusalReason {
  if (status?.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')) return 'NamespaceTerminating';
  // Quota has no reason of its own.
  return status?.message?.includes('exceeded quota') ? 'QuotaExceeded' : 'Forbidden';
}

/** The error for an answer that is no expected outcome. */
export function errorOf(call: Call, answer: Answer): KubeError {
  const status = statusOf(answer);
  const message = `${subject(call)}: ${status?.message ?? `HTTP ${answer.status}`}`;
  const code = errorCode(answer.status);
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after']);
  return new KubeError(code, message, {
    ...details(call, answer),
    ...(retryAfterMs !== undefined && { retry: { type: 'after', ms: retryAfterMs } }),
  });
}

function errorCode(status: number): KubeErrorCode {
  switch (status) {
    case 401:
      return 'KUBE_UNAUTHORIZED';
    case 403:
      return 'KUBE_FORBIDDEN';
    case 404:
      return 'KUBE_NOT_FOUND';
    case 410:
      return 'KUBE_GONE';
    case 429:
      return 'KUBE_THROTTLED';
    default:
      if (status >= 500) return 'KUBE_SERVER_ERROR';
      return status >= 400 ? 'KUBE_REFUSED' : 'KUBE_BAD_ANSWER';
  }
}

function statusOf(answer: Answer): Status | undefined {
  try {
    return parseStatus(JSON.parse(answer.body));
  } catch {
    return undefined;
  }
}

function subject(call: Call): string {
  return `${call.verb} ${call.resource ?? call.path}`;
}

function details(call: Call, answer: Answer): { verb: string; resource: string | undefined; httpStatus: number } {
  return { verb: call.verb, resource: call.resource, httpStatus: answer.status };
}
