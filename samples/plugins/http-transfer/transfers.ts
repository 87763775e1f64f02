/** The transfers that the stand-in service knows, and how they stand by the clock. */
import { createHash } from 'node:crypto';

const BYTES = 1_000_000;

export interface TransferStatus {
  readonly state: 'running' | 'done' | 'failed';
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly digest?: string;
  readonly failure?: { readonly message: string; readonly permanent: boolean };
}

export interface TransferRequest {
  readonly dataset: string;
  readonly volumeHandle: string;
}

interface Transfer {
  readonly dataset: string;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly failure: TransferStatus['failure'];
}

export interface Transfers {
  /** Starts it; an id that is known already stays as it is. */
  start(id: string, request: TransferRequest): void;
  status(id: string): TransferStatus | undefined;
  cancel(id: string): void;
  /** How many it still remembers. */
  remembered(): number;
  /** Every id that was ever started, in order. */
  readonly started: readonly string[];
}

/**
 * Datasets whose name begins with "slow-" take ten times `durationMs`; "flaky-" fails the first time; "broken-" fails for good.
 */
export function createTransfers(durationMs: number): Transfers {
  const transfers = new Map<string, Transfer>();
  const started: string[] = [];
  const failedOnce = new Set<string>();
  const failureOf = (dataset: string): TransferStatus['failure'] => {
    if (dataset.startsWith('broken-')) return { message: `dataset ${dataset} is broken`, permanent: true };
    if (!dataset.startsWith('flaky-') || failedOnce.has(dataset)) return undefined;
    failedOnce.add(dataset);
    return { message: `dataset ${dataset} could not be read`, permanent: false };
  };
  return {
    started,
    remembered: () => transfers.size,
    start: (id, { dataset }) => {
      if (transfers.has(id)) return;
      const slow = dataset.startsWith('slow-') ? 10 : 1;
      transfers.set(id, { dataset, startedAt: Date.now(), durationMs: durationMs * slow, failure: failureOf(dataset) });
      started.push(id);
    },
    status: (id) => {
      const transfer = transfers.get(id);
      return transfer && statusOf(transfer);
    },
    cancel: (id) => void transfers.delete(id),
  };
}

function statusOf({ dataset, startedAt, durationMs, failure }: Transfer): TransferStatus {
  const part = durationMs === 0 ? 1 : Math.min((Date.now() - startedAt) / durationMs, 1);
  if (part < 1) return { state: 'running', bytesDone: Math.floor(part * BYTES), bytesTotal: BYTES };
  if (failure !== undefined) return { state: 'failed', bytesDone: 0, bytesTotal: BYTES, failure };
  const digest = `sha256:${createHash('sha256').update(dataset).digest('hex')}`;
  return { state: 'done', bytesDone: BYTES, bytesTotal: BYTES, digest };
}
