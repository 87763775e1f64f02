/** Which capture may make the repository: one pod at a time, until it is known that the repository is there. */
import type { NewObject, Pod } from '../../api/objects.ts';
import { pods as podsResource } from '../../api/resources.ts';
import type { SnapshotParams } from '../../sdk/index.ts';
import { captureIn } from './capture-report.ts';
import { type CaptureContext, secretOf } from './context.ts';
import type { CaptureFacts, CaptureStep } from './decide-capture.ts';
import { helperName, isCapturePod } from './helper-objects.ts';
import { REPOSITORY_SECRET_VOLUME, REPOSITORY_VOLUME } from './helper-pod.ts';
import { make, refusedPod } from './helpers.ts';
import type { CaptureParameters } from './parameters.ts';

type Params = SnapshotParams<CaptureParameters>;
type RepositoryFacts = Pick<CaptureFacts, 'repositoryMaker' | 'othersWait'>;

/** An API server has given up by then on a request that nobody has seen the answer of. */
const UNANSWERED_MS = 2 * 60_000;
const TOWARDS_A_POD: ReadonlySet<CaptureStep['type']> = new Set(['RunPre', 'CreateClone', 'CreatePod']);

interface Seen {
  /** Of this capture. */
  readonly pod: Pod | undefined;
  /** All of the namespace, by a list that was begun at `listedAt`. */
  readonly pods: readonly Pod[];
  readonly listedAt: number;
}

/** Costs no read: the pods of the namespace are listed for those that use the source anyway. */
export function repositoryFacts(context: CaptureContext, params: Params, seen: Seen): RepositoryFacts {
  const { repositoryTurns: turns } = context;
  const now = context.now();
  const { pod } = seen;
  const repository = pod === undefined ? repositoryFor(params) : repositoryOf(pod);
  if (repository === undefined) return { repositoryMaker: undefined, othersWait: false };
  const of = [...seen.pods, ...(pod === undefined ? [] : [pod])].filter((one) => isFor(one, repository));
  if (of.some((one) => captureIn(one) !== undefined)) turns.opened(repository, now);
  if (turns.openedLately(repository, now)) return { repositoryMaker: undefined, othersWait: false };
  if (pod !== undefined) return { repositoryMaker: undefined, othersWait: turns.isWanted(repository, now) };
  const underWay = of.filter(isUnderWay).toSorted(byAge).map(nameOf);
  turns.seen(repository, underWay, seen.listedAt);
  const own = ownPod(params);
  const holder = turns.holder(repository, now);
  const maker = underWay.find((name) => name !== own) ?? (holder === own ? undefined : holder);
  if (maker !== undefined) turns.want(repository, now);
  return { repositoryMaker: maker === undefined ? undefined : { pod: maker }, othersWait: false };
}

/** @returns false where another capture was faster since the facts were looked at. */
export function takeTurn(context: CaptureContext, params: Params, { pod }: CaptureFacts, step: CaptureStep): boolean {
  if (pod !== undefined || !TOWARDS_A_POD.has(step.type)) return true;
  return context.repositoryTurns.take(repositoryFor(params), ownPod(params), context.now());
}

/** The others need not wait for a capture that cannot go on. */
export function giveUpTurn({ repositoryTurns }: CaptureContext, params: Pick<Params, 'key'>): void {
  repositoryTurns.giveUp(ownPod(params));
}

/** @throws TemporaryError in the API server's words where it refuses the pod. */
export async function makeInTurn(context: CaptureContext, params: Params, pod: NewObject): Promise<void> {
  const { ports, repositoryTurns: turns, now } = context;
  const repository = repositoryFor(params);
  const name = ownPod(params);
  turns.asked(repository, name);
  const made = await make(ports.live, podsResource, pod, params).catch((error: unknown) => {
    turns.answered(repository, name, now() + UNANSWERED_MS);
    throw error;
  });
  if (made.type === 'made') return turns.answered(repository, name, now());
  turns.refused(repository, name);
  throw refusedPod(pod, made);
}

/** @param pod has told of its progress, which begins when it has opened the repository. */
export function noteOpened({ repositoryTurns, now }: CaptureContext, pod: Pod): void {
  const repository = repositoryOf(pod);
  if (repository !== undefined) repositoryTurns.opened(repository, now());
}

function ownPod({ key }: Pick<Params, 'key'>): string {
  return helperName('capture', key);
}

function repositoryFor(params: Params): string {
  return repositoryNamed(params.snapshot.namespace, secretOf(params), params.parameters.repositoryClaim);
}

/** What a Secret says is for pods alone, so that two Secrets of one repository count as two. */
function repositoryNamed(namespace: string | undefined, secret: string, claim: string | undefined): string {
  return [namespace, secret, claim ?? ''].join('/');
}

/** By what the pod mounts, whichever version has made it. */
function repositoryOf({ metadata, spec }: Pod): string | undefined {
  const volume = (wanted: string) => spec.volumes?.find(({ name }) => name === wanted);
  const secret = volume(REPOSITORY_SECRET_VOLUME)?.secret?.secretName;
  const claim = volume(REPOSITORY_VOLUME)?.persistentVolumeClaim?.claimName;
  return secret === undefined ? undefined : repositoryNamed(metadata.namespace, secret, claim);
}

/** Whose content is not read for it: who makes pods here that look like ours keeps the captures of this namespace waiting, and no others. */
function isFor(pod: Pod, repository: string): boolean {
  return isCapturePod(pod) && repositoryOf(pod) === repository;
}

/** One that is to be deleted, too, until it is gone. One that has not started may start at any moment. */
function isUnderWay({ status }: Pod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

function byAge({ metadata: a }: Pod, { metadata: b }: Pod): number {
  return Date.parse(a.creationTimestamp) - Date.parse(b.creationTimestamp) || (a.name < b.name ? -1 : 1);
}

function nameOf({ metadata }: Pod): string {
  return metadata.name;
}
