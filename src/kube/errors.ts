/** Why a call to the API server failed. Expected answers are WriteOutcome values; these are the rest. */
import { type Retry, VolprimeError } from '../api/errors.ts';

/**
 * | code | meaning | retry |
 * |---|---|---|
 * | KUBE_CONFIG | the kubeconfig or the in-cluster files are missing or make no sense | never |
 * | KUBE_UNREACHABLE | no connection, or it broke before the answer was complete | backoff |
 * | KUBE_TIMEOUT | no complete answer within the call's time | backoff |
 * | KUBE_ABORTED | the caller's signal fired | backoff |
 * | KUBE_UNAUTHORIZED | 401, also with fresh credentials | backoff |
 * | KUBE_FORBIDDEN | 403 on a read: a missing RBAC rule | backoff |
 * | KUBE_NOT_FOUND | 404 where the kind itself is not served | backoff |
 * | KUBE_GONE | 410: the resourceVersion or continue token is too old | backoff |
 * | KUBE_THROTTLED | 429 until the call's time was over | after |
 * | KUBE_SERVER_ERROR | 5xx until the call's time was over | backoff |
 * | KUBE_BAD_ANSWER | an answer that is not what the API promises | backoff |
 * | KUBE_REFUSED | any other 4xx: a request that no retry can mend | never |
 * | KUBE_LEADERSHIP_LOST | a write was stopped because this process does not lead (any more) | never |
 */
export type KubeErrorCode =
  | 'KUBE_CONFIG'
  | 'KUBE_UNREACHABLE'
  | 'KUBE_TIMEOUT'
  | 'KUBE_ABORTED'
  | 'KUBE_UNAUTHORIZED'
  | 'KUBE_FORBIDDEN'
  | 'KUBE_NOT_FOUND'
  | 'KUBE_GONE'
  | 'KUBE_THROTTLED'
  | 'KUBE_SERVER_ERROR'
  | 'KUBE_BAD_ANSWER'
  | 'KUBE_REFUSED'
  | 'KUBE_LEADERSHIP_LOST';

export interface KubeErrorDetails {
  readonly retry?: Retry;
  readonly cause?: unknown;
  readonly httpStatus?: number | undefined;
  readonly verb?: string | undefined;
  readonly resource?: string | undefined;
}

export class KubeError extends VolprimeError {
  declare readonly code: KubeErrorCode;
  readonly httpStatus: number | undefined;
  readonly verb: string | undefined;
  /** Plural and group, `persistentvolumeclaims` or `leases.coordination.k8s.io`. */
  readonly resource: string | undefined;

  constructor(code: KubeErrorCode, message: string, details: KubeErrorDetails = {}) {
    super(code, message, { retry: details.retry ?? defaultRetry(code), cause: details.cause });
    this.httpStatus = details.httpStatus;
    this.verb = details.verb;
    this.resource = details.resource;
  }
}

function defaultRetry(code: KubeErrorCode): Retry {
  switch (code) {
    case 'KUBE_CONFIG':
    case 'KUBE_REFUSED':
    case 'KUBE_LEADERSHIP_LOST':
      return { type: 'never' };
    default:
      return { type: 'backoff' };
  }
}

export function isKubeError(error: unknown, ...codes: KubeErrorCode[]): error is KubeError {
  return error instanceof KubeError && (codes.length === 0 || codes.includes(error.code));
}

/** The answer, or undefined where the cluster does not serve the kind that was asked for. */
export async function ifServed<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isKubeError(error, 'KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}
