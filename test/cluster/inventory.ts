/** What exists on this machine that a cluster could have left behind. The teardown test compares it before and after. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupOf } from './cgroups.ts';
import { tryRun } from './command.ts';
import { stateDirOf } from './paths.ts';
import { allPids, commandLine } from './process-table.ts';

export type Inventory = Readonly<Record<string, readonly string[]>>;

/** Processes are those of one cluster; all else is of the whole machine. */
export async function takeInventory(name: string): Promise<Inventory> {
  const [loopDevices, links, routes, namespaces, firewall] = await Promise.all([
    tryRun({ file: 'losetup', args: ['--list', '--noheadings', '--output', 'NAME,BACK-FILE'] }),
    tryRun({ file: 'ip', args: ['-oneline', '-brief', 'link'] }),
    tryRun({ file: 'ip', args: ['route'] }),
    tryRun({ file: 'ip', args: ['netns', 'list'] }),
    tryRun({ file: 'nft', args: ['list', 'tables'] }),
  ]);
  return {
    processes: processesOf(name),
    mounts: mountPoints(),
    loopDevices: lines(loopDevices),
    links: lines(links),
    routes: lines(routes),
    namespaces: lines(namespaces),
    firewall: lines(firewall),
    cgroups: cgroups(),
    state: existsSync(stateDirOf(name)) ? [stateDirOf(name)] : [],
  };
}

/** What is there now and was not before. A line that holds a mark belongs to somebody else. */
export function addedSince(before: Inventory, after: Inventory, marksOfOthers: readonly string[]): Inventory {
  const added = Object.entries(after).map(([kind, lines]): [string, readonly string[]] => [
    kind,
    lines.filter((line) => !before[kind]?.includes(line) && !marksOfOthers.some((mark) => line.includes(mark))),
  ]);
  return Object.fromEntries(added.filter(([, lines]) => lines.length > 0));
}

function lines(text: string | undefined): string[] {
  return (text ?? '').split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
}

/** Processes that name the cluster in their command line or are in its cgroup. */
function processesOf(name: string): string[] {
  const marks = [stateDirOf(name), `${cgroupOf(name)}/`];
  return allPids().flatMap((pid) => {
    const text = `${commandLine(pid).join(' ')} ${readIfPresent(`/proc/${pid}/cgroup`)}`;
    return marks.some((mark) => text.includes(mark)) ? [text] : [];
  });
}

function mountPoints(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? []);
}

function cgroups(): string[] {
  const roots = mountPoints().filter((point) => point.startsWith('/sys/fs/cgroup'));
  return roots.flatMap((root) =>
    readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [join(root, entry.name)] : [],
    ),
  );
}

function readIfPresent(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
