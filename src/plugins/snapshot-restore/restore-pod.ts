/** What the populator pod of a restore looks like: the prime, what the data is read from, and the task. Pure, but for a look into caches. */
import { unwrap } from '../../api/foreign.ts';
import { sourceVolumeClaimName } from '../../api/names.ts';
import type { Claim } from '../../api/objects.ts';
import { PermanentError, type PodTemplate, type PopulateParams, TemporaryError } from '../../sdk/index.ts';
import { POPULATOR_COMMAND, TASK_VARIABLE } from '../download-and-extract/task.ts';
import { REPOSITORY_DIR, REPOSITORY_SECRET_DIR, SCRATCH_SIZE } from '../snapshot-capture/task.ts';
import type { RestorePorts } from './ports.ts';
import { repositoryOf } from './repository.ts';
import { judge } from './rules.ts';
import { parseState, type RestoreState } from './state.ts';
import { PLUGIN_NAME, type RestoreTask } from './task.ts';
import { snapshotOf, type Wish } from './wish.ts';

type Kind = RestoreTask['target']['kind'];
type Place = RestoreTask['target'];

/** Devices are where nothing is in the image: a container runtime leaves a directory that is there in a device's place. */
const places: Readonly<Record<'target' | 'source', Readonly<Record<Kind, string>>>> = {
  target: { directory: '/target', device: '/dev/target' },
  source: { directory: '/source', device: '/dev/source' },
};

export function restorePod(ports: RestorePorts, params: PopulateParams<Wish>): PodTemplate {
  const { source, claimObject, attempt } = params;
  const state = parseState(params.prepared);
  if (state === undefined || state.route === 'Native')
    throw new PermanentError('Internal', 'a pod is asked for, and the restore was not prepared for one');
  const target = placeOf('target', claimObject);
  const { from, ...mounts } = state.route === 'Copy' ? fromVolume(params) : fromRepository(ports, params, state);
  const task: RestoreTask = {
    version: 1,
    plugin: PLUGIN_NAME,
    attemptId: attempt.id,
    target,
    from,
    ...(source.spec.subtree !== undefined && { subtree: source.spec.subtree }),
    verify: source.spec.verify,
  };
  return {
    command: POPULATOR_COMMAND,
    mountPath: target.path,
    scratch: SCRATCH_SIZE,
    env: { [TASK_VARIABLE]: JSON.stringify(task) },
    ...mounts,
  };
}

type From = Pick<PodTemplate, 'claims' | 'secrets'> & Pick<RestoreTask, 'from'>;

function fromVolume({ claim, claimObject }: PopulateParams<Wish>): From {
  const place = placeOf('source', claimObject);
  const volumeMode = place.kind === 'device' ? 'Block' : 'Filesystem';
  return {
    from: { type: 'volume', place },
    claims: [{ name: sourceVolumeClaimName(claim.uid), mountPath: place.path, volumeMode }],
  };
}

/** What the content says is looked up each time: the record, which the claim's owner reads, holds nothing of it. */
function fromRepository(
  { known, populatorNamespace }: RestorePorts,
  params: PopulateParams<Wish>,
  state: RestoreState,
): From {
  const wanted = snapshotOf(params.source);
  const snapshot = known.snapshot(wanted);
  const verdict = judge({
    wanted,
    // Whether it may be read was asked before the prime was made; a grant that is revoked ends nothing that has begun.
    asker: wanted.namespace,
    uid: state.snapshot.uid,
    subtree: params.source.spec.subtree,
    claim: params.claimObject,
    crossNamespace: populatorNamespace !== undefined,
    grants: [],
    snapshot,
    content: known.content(snapshot?.status?.boundVolumeSnapshotContentName ?? ''),
    begunWith: state.snapshot.uid,
  });
  if (verdict.objection !== undefined)
    throw new TemporaryError(unwrap(verdict.objection.message), 5_000, { reason: verdict.objection.reason });
  const answer = repositoryOf(verdict.restorable, state.home);
  if (answer.objection !== undefined)
    throw new TemporaryError(unwrap(answer.objection.message), 5_000, { reason: answer.objection.reason });
  const { key, secret, ofOperator, claim } = answer.repository;
  return {
    from: { type: 'repository', key },
    secrets: [{ name: secret, mountPath: REPOSITORY_SECRET_DIR, ofOperator }],
    // Written to, too: whoever reads a repository leaves a lock in it, so that nothing is taken away from under him.
    ...(claim !== undefined && { claims: [{ name: claim, mountPath: REPOSITORY_DIR, writable: true }] }),
  };
}

function placeOf(side: keyof typeof places, claim: Claim): Place {
  const kind = claim.spec.volumeMode === 'Block' ? 'device' : 'directory';
  return { path: places[side][kind], kind };
}
