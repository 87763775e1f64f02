/**
 * rancher's local-path-provisioner, the default of k3s and kind, as it is: no CSI driver, and it ignores data sources. Its volumes are
 * directories below the cluster's state, made and removed by helper pods.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Component } from './component.ts';
import { kubeconfigFile } from './credentials.ts';
import type { NodeOptions } from './node.ts';

const namespace = 'local-path-storage';

function volumeDir(stateDir: string): string {
  return join(stateDir, 'local-path');
}

export function localPathConfiguration(stateDir: string): object {
  return { nodePathMap: [{ node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: [volumeDir(stateDir)] }] };
}

export function localPathProvisioner({ stateDir, binDir }: Pick<NodeOptions, 'stateDir' | 'binDir'>): Component {
  return {
    name: 'local-path-provisioner',
    program: join(binDir, 'local-path-provisioner'),
    args: [
      'start',
      `--config=${join(stateDir, 'local-path.json')}`,
      `--kubeconfig=${kubeconfigFile(stateDir, 'local-path-provisioner')}`,
      `--namespace=${namespace}`,
      '--service-account-name=default',
    ],
  };
}

/** Directories of its volumes, named PV_NAMESPACE_CLAIM. */
export function listLocalVolumes({ stateDir }: { readonly stateDir: string }): string[] {
  const dir = volumeDir(stateDir);
  return existsSync(dir) ? readdirSync(dir) : [];
}
