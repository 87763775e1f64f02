/** What a cluster remembers between commands: state.json in its state directory. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterRoot, stateDirOf } from './paths.ts';
import type { ProcessIdentity } from './process-table.ts';

export interface ControlPlanePorts {
  readonly api: number;
  readonly etcd: number;
  readonly etcdPeer: number;
}

export type ClusterKind = 'node' | 'control-plane';

export interface ProcessRecord extends ProcessIdentity {
  readonly name: string;
  readonly log: string;
}

export interface ClusterState {
  readonly version: 1;
  readonly name: string;
  readonly kind: ClusterKind;
  /** Nothing of a cluster outlives a boot. */
  readonly bootId: string;
  /** Hash of programs, command lines, configuration and manifests; another value means another cluster. */
  readonly fingerprint: string;
  /** Which of the address ranges it uses; only a cluster with a node has one. */
  readonly slot: number | null;
  readonly ports: ControlPlanePorts;
  readonly server: string;
  readonly binDir: string;
  /** True once everything was ready. */
  readonly complete: boolean;
  readonly processes: readonly ProcessRecord[];
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Nothing is given for a cluster that does not exist, or whose state was half-written or made by another version. */
export function readState(name: string): ClusterState | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(stateDirOf(name), 'state.json'), 'utf8'));
    return isClusterState(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isClusterState(value: unknown): value is ClusterState {
  if (typeof value !== 'object' || value === null) return false;
  const texts = ['name', 'kind', 'bootId', 'fingerprint', 'server', 'binDir'];
  const fields: Partial<Record<string, unknown>> = { ...value };
  return (
    fields['version'] === 1 &&
    Array.isArray(fields['processes']) &&
    texts.every((key) => typeof fields[key] === 'string')
  );
}

export function writeState(state: ClusterState): void {
  const file = join(stateDirOf(state.name), 'state.json');
  mkdirSync(stateDirOf(state.name), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

export function clusterNames(): string[] {
  try {
    return readdirSync(clusterRoot(), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}
