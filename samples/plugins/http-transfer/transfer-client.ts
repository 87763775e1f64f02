/** The transfer service's API as this plugin sees it. Whatever comes back is parsed before it is believed. */
import * as z from 'zod';

export const transferSchema = z.object({
  state: z.enum(['running', 'done', 'failed']),
  bytesDone: z.int().min(0),
  bytesTotal: z.int().min(0),
  digest: z.string().optional(),
  failure: z.object({ message: z.string(), permanent: z.boolean() }).optional(),
});
export type Transfer = z.infer<typeof transferSchema>;

export interface TransferRequest {
  readonly dataset: string;
  readonly volumeHandle: string;
}

export interface TransferClient {
  /** Starts the transfer unless it is known already: the same id is never started twice. */
  start(id: string, request: TransferRequest, signal: AbortSignal): Promise<void>;
  /** Undefined where the service does not know the id. */
  status(id: string, signal: AbortSignal): Promise<Transfer | undefined>;
  /** Stops it if it runs, and forgets it. */
  cancel(id: string, signal: AbortSignal): Promise<void>;
}

/** @param baseUrl of the service, without a slash at its end. */
export function createTransferClient(baseUrl: string): TransferClient {
  const call = async (method: string, id: string, signal: AbortSignal, body?: TransferRequest) => {
    const response = await fetch(`${baseUrl}/transfers/${encodeURIComponent(id)}`, {
      method,
      signal,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok)
      throw new Error(`the transfer service answered ${method} with ${response.status}: ${await response.text()}`);
    return response;
  };
  return {
    start: async (id, request, signal) => {
      await call('PUT', id, signal, request);
    },
    status: async (id, signal) => {
      const response = await call('GET', id, signal);
      return response && transferSchema.parse(await response.json());
    },
    cancel: async (id, signal) => {
      await call('DELETE', id, signal);
    },
  };
}
