/** What is compared with what, and what is to be reached. */
import { type Command, shell, volprime } from './commands.ts';
import type { SetName } from './data-sets.ts';

export interface Place {
  readonly url: string;
  /** Each connection is limited. */
  readonly slowUrl: string;
  readonly directory: string;
  readonly device: string;
  /** In memory: for whoever must store a download before unpacking it. */
  readonly scratch: string;
}

export interface Floor {
  readonly name: string;
  /** Without these on this machine it is left out. */
  readonly programs: readonly string[];
  readonly command: (place: Place) => Command;
  /** How many times as fast as this floor Volprime is to be. Of several floors of one kind the best counts. */
  readonly speed: number | undefined;
  readonly kind: 'usual' | 'best' | undefined;
}

export interface Case {
  readonly name: string;
  readonly set: SetName;
  /** Below the server's root. */
  readonly file: string;
  /** The file system is flushed at the end, by all. */
  readonly onDisk: boolean;
  readonly target: 'directory' | 'device';
  readonly volprime: (place: Place) => Command;
  readonly floors: readonly Floor[];
}

const usual = (speed: number | undefined, name: string, script: (place: Place) => string): Floor => ({
  name,
  programs: programsOf(name),
  command: (place) => shell(script(place)),
  speed,
  kind: 'usual',
});

/** One of several tools of which the fastest counts. */
const rivals = (speed: number | undefined, commands: Readonly<Record<string, (place: Place) => string>>): Floor[] =>
  Object.entries(commands).map(([program, script]) => ({
    name: program,
    programs: [program],
    command: (place) => shell(script(place)),
    speed,
    kind: 'best',
  }));

/** "curl|tar xz; sync -f": the first word of each command. */
function programsOf(name: string): string[] {
  return name.split(/[|;]/).flatMap((command) => /^\s*(\S+)/.exec(command)?.[1] ?? []);
}

const archive = (file: string): Pick<Case, 'file' | 'onDisk' | 'target' | 'volprime'> => ({
  file,
  onDisk: false,
  target: 'directory',
  volprime: ({ url, directory }) =>
    volprime({ url: `${url}/${file}`, target: directory, kind: 'directory', flush: false }),
});

const gzipRivals = (speed: number | undefined, file: string) =>
  rivals(speed, {
    pigz: ({ url, directory }) => `curl -s ${url}/${file} | pigz -dc | tar xf - -C ${directory}`,
    igzip: ({ url, directory }) => `curl -s ${url}/${file} | igzip -dc | tar xf - -C ${directory}`,
    rapidgzip: ({ url, directory }) => `curl -s ${url}/${file} | rapidgzip -P2 -dc | tar xf - -C ${directory}`,
    bsdtar: ({ url, directory }) => `curl -s ${url}/${file} | bsdtar -xf - -C ${directory}`,
  });

const tarGz = (set: SetName, speeds: { readonly usual: number; readonly best: number | undefined }): Case => ({
  ...archive(`${set}.tar.gz`),
  name: `${set}.tar.gz`,
  set,
  floors: [
    usual(
      speeds.usual,
      'curl|tar xz',
      ({ url, directory }) => `curl -s ${url}/${set}.tar.gz | tar xzf - -C ${directory}`,
    ),
    ...gzipRivals(speeds.best, `${set}.tar.gz`),
  ],
});

const tarZst = (set: SetName): Case => ({
  ...archive(`${set}.tar.zst`),
  name: `${set}.tar.zst`,
  set,
  floors: [
    usual(
      1.15,
      'curl|zstd -d|tar x',
      ({ url, directory }) => `curl -s ${url}/${set}.tar.zst | zstd -dc | tar xf - -C ${directory}`,
    ),
    ...rivals(1.0, { bsdtar: ({ url, directory }) => `curl -s ${url}/${set}.tar.zst | bsdtar -xf - -C ${directory}` }),
  ],
});

/** Ours is flushed at the end; so the floor is. */
const image = (file: string, speed: number, unpack: string): Case => ({
  name: file,
  file,
  set: 'c',
  onDisk: false,
  target: 'device',
  volprime: ({ url, device }) => volprime({ url: `${url}/${file}`, target: device, kind: 'device', flush: true }),
  floors: [
    usual(
      speed,
      `curl|${unpack} >device; sync`,
      ({ url, device }) => `curl -s ${url}/${file} | ${unpack} > ${device} && sync ${device}`,
    ),
  ],
});

const aria2c = (url: string, scratch: string) =>
  `aria2c -q -x16 -s16 -k1M --allow-overwrite --file-allocation=none -d ${scratch} -o a.tar ${url}/a.tar`;

export const cases: readonly Case[] = [
  tarGz('b', { usual: 1.6, best: 1.15 }),
  tarGz('a', { usual: 2.8, best: 1.3 }),
  tarGz('d', { usual: 1.9, best: undefined }),
  tarZst('b'),
  tarZst('a'),
  {
    ...archive('b.tar.gz'),
    name: 'b.tar.gz flushed to disk',
    set: 'b',
    onDisk: true,
    volprime: ({ url, directory }) =>
      volprime({ url: `${url}/b.tar.gz`, target: directory, kind: 'directory', flush: true }),
    floors: [
      usual(
        1.4,
        'curl|tar xz; sync -f',
        ({ url, directory }) => `curl -s ${url}/b.tar.gz | tar xzf - -C ${directory} && sync -f ${directory}`,
      ),
    ],
  },
  {
    ...archive('b.zip'),
    name: 'b.zip',
    set: 'b',
    floors: [
      usual(
        1.8,
        'curl; unzip',
        ({ url, directory, scratch }) =>
          `curl -s -o ${scratch}/b.zip ${url}/b.zip && unzip -q ${scratch}/b.zip -d ${directory}`,
      ),
      ...rivals(undefined, { bsdtar: ({ url, directory }) => `curl -s ${url}/b.zip | bsdtar -xf - -C ${directory}` }),
    ],
  },
  {
    // Not compressed, so that it is the network that limits: the floor only downloads.
    ...archive('a.tar'),
    name: 'a.tar at 40 MiB/s a connection',
    set: 'a',
    volprime: ({ slowUrl, directory }) =>
      volprime({ url: `${slowUrl}/a.tar`, target: directory, kind: 'directory', flush: false }),
    floors: [
      usual(1 / 1.1, 'aria2c -x16', ({ slowUrl, scratch }) => aria2c(slowUrl, scratch)),
      usual(
        undefined,
        'aria2c -x16; tar x',
        ({ slowUrl, scratch, directory }) => `${aria2c(slowUrl, scratch)} && tar xf ${scratch}/a.tar -C ${directory}`,
      ),
    ],
  },
  image('c.img.gz', 2.0, 'gunzip'),
  image('c.img.zst', 0.95, 'zstd -dc'),
];
