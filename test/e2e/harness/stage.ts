/** A namespace, a controller and a way to the API server that can be spoilt, and a little work of both paths to be done there. */
import { expect } from '@jest/globals';
import type { FaultProxy } from '../../support/fault-proxy.ts';
import type { ApiProxy } from './api-proxy.ts';
import { lanePopulated } from './crash-lanes.ts';
import { expectNothingLeft } from './invariants.ts';
import { aClaimManifest } from './manifests.ts';
import { downloads, providerOf, serve, type SourceAndRef, transferOf } from './sources.ts';
import type { Lane, Suite } from './suite.ts';

export interface Stage extends Lane, AsyncDisposable {
  readonly proxy: ApiProxy;
  /** Of the proxy. */
  readonly faults: FaultProxy;
  nothingLeft(): Promise<void>;
}

/** @param before what is done to the way to the API server before the controller starts. */
export async function setStage(
  suite: Suite,
  label: string,
  before: (proxy: ApiProxy) => void = () => {},
): Promise<Stage> {
  const proxy = await suite.proxy();
  before(proxy);
  const { namespace, controller } = await suite.lane(label, { proxy });
  return {
    namespace,
    proxy,
    faults: proxy.faults,
    controller,
    nothingLeft: () => expectNothingLeft(suite.cluster, namespace, () => controller.check()),
    [Symbol.asyncDispose]: async () => {
      proxy.faults.reset();
      await controller.stop();
    },
  };
}

export interface Work {
  /** Of the claims with a populator pod, and of those without. */
  readonly podNames: readonly string[];
  readonly transferNames: readonly string[];
  /** All are bound to the right bytes, each was filled once, and nothing else is left. */
  populated(): Promise<void>;
}

/** Applies two claims of either path; names of claim and source are the same. */
export async function stageWork(suite: Suite, { namespace, controller }: Stage): Promise<Work> {
  const names = (path: string) => ['one', 'two'].map((number) => `${namespace}-${path}-${number}`);
  const [podNames, transferNames] = [names('pod'), names('transfer')];
  const claimOf = (name: string, { source, ref }: SourceAndRef) => [
    source,
    aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref }),
  ];
  const listings = new Map([
    ...podNames.map((name) => [name, serve(suite, name).listing] as const),
    ...transferNames.map((name) => [name, suite.transfers.listing(name)] as const),
  ]);
  await suite.apply(
    ...podNames.flatMap((name) => claimOf(name, providerOf(suite, namespace, name))),
    ...transferNames.flatMap((name) => claimOf(name, transferOf(namespace, name))),
  );
  return {
    podNames,
    transferNames,
    populated: async () => {
      expect(await lanePopulated(suite, { namespace, controller })).toEqual(Object.fromEntries(listings));
      expect(podNames.filter((name) => downloads(suite, name) !== 1)).toEqual([]);
      expect(transferNames.filter((name) => suite.transfers.started(name).length !== 1)).toEqual([]);
      expect(transferNames.filter((name) => suite.transfers.remembered(name).length > 0)).toEqual([]);
      expect(suite.transfers.violations).toEqual([]);
    },
  };
}
