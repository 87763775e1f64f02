/**
 * A plugin without a pod: an outside service moves the data, and the controller only starts it and asks how it stands.
 *
 * The three functions are called again and again, after restarts too. They stay correct because every call carries the attempt's id,
 * and the service never starts the same id twice.
 */
import { AttemptFailedError, definePlugin, PermanentError } from 'volprime';
import * as z from 'zod';
import { createTransferClient, type Transfer } from './transfer-client.ts';

const specSchema = z.object({ dataset: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/) });
type Spec = z.infer<typeof specSchema>;

/** @param serviceUrl is the operator's choice, never a tenant's: the controller calls it with its own network rights. */
export function transferPlugin(serviceUrl: string) {
  const service = createTransferClient(serviceUrl.replace(/\/+$/, ''));
  return definePlugin<Spec>({
    name: 'http-transfer',
    source: { group: 'transfer.example.com', version: 'v1', kind: 'Transfer' },
    schema: specSchema,
    pollIntervalMs: 1000,

    populate: async ({ source, attempt, volume, signal }) => {
      const volumeHandle = volume.spec.csi?.volumeHandle;
      if (volumeHandle === undefined) {
        throw new PermanentError('VolumeNotSupported', 'The transfer service fills CSI volumes only.');
      }
      await service.start(attempt.id, { dataset: source.spec.dataset, volumeHandle }, signal);
    },

    populateComplete: async ({ attempt, signal }) => {
      const transfer = await service.status(attempt.id, signal);
      if (transfer === undefined) {
        throw new AttemptFailedError('TransferLost', 'The transfer service does not know the transfer any more.');
      }
      if (transfer.state === 'failed') {
        // Cleanup will get the id of the last attempt only.
        await service.cancel(attempt.id, signal);
        throw failure(transfer);
      }
      const { bytesDone, bytesTotal, digest } = transfer;
      if (transfer.state === 'running') return { done: false, progress: { bytesDone, bytesTotal } };
      return { done: true, result: { bytes: bytesDone, ...(digest !== undefined && { digest }) } };
    },

    populateCleanup: async ({ attempt, signal }) => service.cancel(attempt.id, signal),
  });
}

function failure({ failure: why }: Transfer): AttemptFailedError | PermanentError {
  const message = why?.message ?? 'The transfer failed.';
  return why?.permanent === true
    ? new PermanentError('TransferRefused', message)
    : new AttemptFailedError('TransferFailed', message);
}

/** What the stock controller loads. */
export const plugin = transferPlugin(process.env['TRANSFER_SERVICE_URL'] ?? 'http://transfer-service');
