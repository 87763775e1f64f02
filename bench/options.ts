/** The command line of the benchmark. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Those that need a cluster. */
export const clusterGroups = [
  'claim',
  'claims',
  'pod',
  'pods',
  'spread',
  'thousands',
  'idle',
  'failing',
  'restore',
] as const;
export type ClusterGroup = (typeof clusterGroups)[number];
export const groups = [...clusterGroups, 'data', 'snapshots', 'size'] as const;
export type Group = (typeof groups)[number];

export interface Options {
  readonly groups: readonly Group[];
  /** Of the group "data": only cases whose name begins like this. */
  readonly archive: string | undefined;
  /** Another cluster than the benchmark's own. */
  readonly kubeconfig: string | undefined;
  /** Address of this machine that the pods of that cluster reach. */
  readonly hostAddress: string | undefined;
  readonly storageClass: string;
  readonly claims: number;
  readonly pods: number;
  readonly rounds: number;
  /** Directory for CPU profiles of the controller. */
  readonly profile: string | undefined;
  readonly timeline: boolean;
  /** Leave the benchmark's own cluster running. */
  readonly keep: boolean;
}

export const usage = `usage: node bench/main.ts [options]

Measures Volprime against what Kubernetes itself needs for the same work, in the same run.

  --only NAME          one of ${groups.join(', ')}; may be repeated (default: all)
  --archive NAME       of the group "data" only what begins like this: a, b.tar.gz, c …
  --claims N           claims of the figures "claims" and "size" (default 200)
  --pods N             pods of the figure "pods" (default 20)
  --rounds N           how often each is measured, floors and Volprime in turn; medians count (default 3)
  --kubeconfig PATH    another cluster than one of the benchmark's own; it needs the image localhost/volprime:bench for
                       pods, and what needs the API server's audit log is left out
  --host-address IP    with --kubeconfig: the address of this machine that pods reach
  --storage-class NAME a class with binding mode Immediate (default imm-del)
  --timeline           print every write that concerned one claim, with its time (with --only claim or --only pod)
  --profile DIR        write CPU profiles of the controller there
  --keep               leave the benchmark's own cluster running
  --help
`;

/** @throws Error with a message for the user. Undefined: only help was asked for. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true },
      archive: { type: 'string' },
      claims: { type: 'string' },
      pods: { type: 'string' },
      rounds: { type: 'string' },
      kubeconfig: { type: 'string' },
      'host-address': { type: 'string' },
      'storage-class': { type: 'string' },
      profile: { type: 'string' },
      timeline: { type: 'boolean' },
      keep: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  return {
    groups: values.only?.map(group) ?? groups,
    archive: values.archive,
    kubeconfig: values.kubeconfig,
    hostAddress: values['host-address'],
    storageClass: values['storage-class'] ?? 'imm-del',
    claims: count('claims', values.claims, 200),
    pods: count('pods', values.pods, 20),
    rounds: count('rounds', values.rounds, 3),
    profile: values.profile === undefined ? undefined : resolve(values.profile),
    timeline: values.timeline === true,
    keep: values.keep === true,
  };
}

function group(name: string): Group {
  const found = groups.find((known) => known === name);
  if (found === undefined) throw new Error(`--only ${name}: it must be one of ${groups.join(', ')}`);
  return found;
}

function count(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error(`--${name} ${text}: it must be a whole number above 0`);
  return Number(text);
}
