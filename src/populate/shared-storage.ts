/** Which PersistentVolumes have the same storage behind them, as far as their specs tell. Pure. */
import type { Volume } from '../api/objects.ts';

/** A directory of some file system, by the name of the file system and the parts of the path. */
interface Directory {
  readonly fileSystem: string;
  readonly path: string;
}

/** Keys of the storage itself: a volume shares it with every other that has one of these among its `storageKeys`. */
export function ownStorageKeys(volume: Volume): string[] {
  return [...handle(volume), ...directories(volume).map(({ fileSystem, path }) => key(fileSystem, path))];
}

/**
 * Keys to find a volume by: its own storage and every directory above it. One volume above many is ordinary (the export that a provisioner
 * divides), so the volumes below are found from the one above and not the other way round.
 */
export function storageKeys(volume: Volume): string[] {
  const above = directories(volume).flatMap(({ fileSystem, path }) =>
    parents(path).map((parent) => key(fileSystem, parent)),
  );
  return [...new Set([...ownStorageKeys(volume), ...above])];
}

function key(fileSystem: string, path: string): string {
  return JSON.stringify([fileSystem, path]);
}

function handle({ spec: { csi } }: Volume): string[] {
  return csi === undefined ? [] : [key(`csi ${csi.driver}`, csi.volumeHandle)];
}

function directories({ spec: { hostPath, local, nfs, csi } }: Volume): Directory[] {
  // Two nodes may have the same path: that the paths are not the same directory cannot be told for sure.
  const onNode = [hostPath?.path, local?.path].filter((path) => path !== undefined);
  return [
    ...onNode.map((path) => directory('node', path)),
    ...(nfs === undefined ? [] : [directory(`nfs ${nfs.server}`, nfs.path)]),
    ...(csi === undefined ? [] : ofAttributes(csi)),
  ];
}

/** csi-driver-nfs (`server`, `share`, `subdir`), csi-driver-smb (`source`, `subdir`), JuiceFS (`subPath`). Case differs by how a class writes them. */
function ofAttributes({ driver, volumeAttributes = {}, nodePublishSecretRef }: NonNullable<Volume['spec']['csi']>) {
  const named = new Map(Object.entries(volumeAttributes).map(([name, value]) => [name.toLowerCase(), value]));
  const [server, share, source] = [named.get('server'), named.get('share'), named.get('source')];
  const [subdir, subPath] = [named.get('subdir') ?? '', named.get('subpath')];
  if (server !== undefined && share !== undefined) return [directory(`nfs ${server}`, `${share}/${subdir}`)];
  if (source?.startsWith('//') === true) return [directory('smb', `${source}/${subdir}`)];
  if (subPath === undefined) return [];
  const { namespace = '', name = '' } = nodePublishSecretRef ?? {};
  return [directory(`${driver} ${namespace}/${name}`, subPath)];
}

/** Without `.`, `..` and doubled slashes: two spellings are one directory. */
function directory(fileSystem: string, path: string): Directory {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return { fileSystem, path: `/${parts.join('/')}` };
}

function parents(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}
