/** The cluster as the capturing plugin sees it: part of the composition root. */
import type { Pod } from './api/objects.ts';
import { pods } from './api/resources.ts';
import { volumeSnapshots } from './api/snapshots.ts';
import type { Config } from './config.ts';
import type { KubeClient } from './kube/index.ts';
import type { CapturePorts } from './plugins/snapshot-capture/index.ts';
import type { EventRecorder } from './runtime/index.ts';
import type { Logger } from './telemetry/index.ts';

export interface CapturePortsOptions {
  /** Writes, and runs commands in pods, only while this process leads. */
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly config: Pick<Config, 'populatorImage' | 'imagePullPolicy' | 'populatorPodSettings'>;
}

const PAGE = 500;

export function capturePorts({ client, events, logger, config }: CapturePortsOptions): CapturePorts {
  const warn: CapturePorts['warn'] = ({ namespace, name, uid }, reason, note) => {
    logger.warn(note, { reason, namespace, snapshot: name });
    void client.get(volumeSnapshots, { namespace, name }).then(
      (regarding) => {
        if (regarding !== undefined && regarding.metadata.uid === uid)
          events.emit({ regarding, type: 'Warning', reason, action: 'Capture', note });
      },
      (error: unknown) => logger.warn('the VolumeSnapshot to tell of cannot be read', { namespace, name, error }),
    );
  };
  return {
    live: client,
    podsIn: (namespace, { signal }) => allPods(client, namespace, signal),
    warn,
    image: config.populatorImage,
    imagePullPolicy: config.imagePullPolicy,
    podSettings: config.populatorPodSettings,
  };
}

async function allPods(client: KubeClient, namespace: string, signal: AbortSignal): Promise<Pod[]> {
  const found: Pod[] = [];
  let continueToken: string | undefined;
  do {
    const page = await client.listPage(pods, { namespace, limit: PAGE, continueToken }, { signal });
    found.push(...page.items);
    continueToken = page.continueToken;
  } while (continueToken !== undefined);
  return found;
}
