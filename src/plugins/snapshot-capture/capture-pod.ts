/** The pod of a capture: made, and followed by its log. */
import type { Pod } from '../../api/objects.ts';
import { PROGRESS_LOG } from '../../pods/index.ts';
import { type CaptureParams, lastProgress, type SnapshotAnswer } from '../../sdk/index.ts';
import { type CaptureContext, ownerOf, secretOf } from './context.ts';
import type { CaptureFacts } from './decide-capture.ts';
import { helperMetadata, helperName, type Owner } from './helper-objects.ts';
import { buildHelperPod, helperPodSettings, SOURCE_DEVICE, SOURCE_DIR } from './helper-pod.ts';
import type { CaptureParameters } from './parameters.ts';
import { makeInTurn, noteOpened } from './repository-maker.ts';
import { PLUGIN_NAME } from './task.ts';
import { besides, isForOneNode } from './users.ts';

type Params = CaptureParams<CaptureParameters>;

const LOG_TIMEOUT_MS = 5_000;

export async function createPod(
  context: CaptureContext,
  params: Params,
  { state, source, users }: CaptureFacts,
  of: 'clone' | 'source',
): Promise<void> {
  const { ports } = context;
  const owner: Owner = ownerOf(params);
  const block = source.spec.volumeMode === 'Block';
  const { namespace, claim, claimUid, capacityBytes } = params.source;
  const settings = helperPodSettings(ports.podSettings);
  const user = of === 'source' && isForOneNode(source) ? users[0] : undefined;
  const pod = buildHelperPod({
    metadata: helperMetadata('capture', owner),
    task: {
      version: 1,
      plugin: PLUGIN_NAME,
      key: params.key,
      action: 'capture',
      source: block ? { path: SOURCE_DEVICE, kind: 'device' } : { path: SOURCE_DIR, kind: 'directory' },
      consistency: state.route,
      origin: { namespace, claim, claimUid, ...(capacityBytes !== undefined && { capacityBytes }) },
    },
    settings: user === undefined ? settings : besides(user, settings),
    image: ports.image,
    imagePullPolicy: ports.imagePullPolicy,
    secret: secretOf(params),
    repositoryClaim: params.parameters.repositoryClaim,
    source: { claim: of === 'clone' ? helperName('clone', params.key) : claim, block },
  });
  await makeInTurn(context, params, pod);
}

/** Undefined as long as nothing is told. */
export async function progressOf(
  context: CaptureContext,
  params: Params,
  pod: Pod,
): Promise<SnapshotAnswer['progress']> {
  const { name, namespace } = pod.metadata;
  const options = { signal: params.signal, timeoutMs: LOG_TIMEOUT_MS };
  const log = await context.ports.live.podLog({ name, namespace }, PROGRESS_LOG, options).catch((error: unknown) => {
    params.logger.debug('the log of the capture pod cannot be read', { pod: name, error });
    return undefined;
  });
  const progress = log === undefined ? undefined : lastProgress(log);
  if (progress !== undefined) noteOpened(context, pod);
  return progress;
}
