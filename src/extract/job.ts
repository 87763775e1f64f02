/** What to put where. Plain data: it crosses into worker threads as it is. It holds no secrets. */

export interface Job {
  readonly target: Target;
  /** In order, all below the same root; of two entries with one name the later one wins. At least one. */
  readonly layers: readonly Layer[];
  readonly limits: Limits;
  readonly ownership: Ownership;
  readonly modes: Modes;
  readonly onExisting: OnExisting;
}

/** `directory`: a file system's directory, and below it the one that receives the content. `device`: a block device, whole. */
export type Target =
  | { readonly kind: 'directory'; readonly path: string; readonly extractPath: string; readonly prior?: Prior }
  | { readonly kind: 'device'; readonly path: string };

/**
 * Whose the content of a directory is that is there before the first write. `empty`: there was none a moment ago. `remains`: an earlier attempt's.
 * `foreign`: it must survive. Without it `onExisting` alone decides, as on the command line.
 */
export type Prior = 'empty' | 'remains' | 'foreign';

/** One archive, image or file. */
export interface Layer {
  /** The same bytes at one place or more, asked in this order. `http(s)://…`, `s3://bucket/key`, `oci://registry/repository:tag`. */
  readonly urls: readonly string[];
  /** `sha256:` or `sha512:` and lower-case hexadecimal digits, of the body as downloaded. */
  readonly checksum: string | undefined;
  /** Undefined: told by the content. */
  readonly format: Format | undefined;
  /** Leading parts of each name that are taken away; an entry that has no more is left out. */
  readonly stripComponents: number;
  /** Globs on the name as it would be extracted (after stripping); empty includes all. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /**
   * Layers of one container image say the same here and follow each other, the uppermost first: what one of them brought stays, and its
   * entries named `.wh.…` hide what those below it bring (entries/overlay.ts). Undefined: a layer of its own.
   */
  readonly image?: string;
  readonly s3: { readonly endpoint: string | undefined; readonly region: string | undefined } | undefined;
}

/**
 * `tar` and `zip` with whatever compression they come in; `file`: the body, decompressed where it is, as one file;
 * `raw`: the same onto a device.
 */
export type Format = 'tar' | 'zip' | 'file' | 'raw';

export interface Limits {
  /** Bytes written, holes counted. Undefined: what the volume holds. */
  readonly bytes: number | undefined;
  readonly files: number;
  /**
   * Bytes out for each byte in, once more than 16 MiB have come out. Zeros do not count: honest images and databases hold so many of them
   * that any codec goes beyond any ratio. What they fill is bounded by `bytes`, and by the volume.
   */
  readonly ratio: number;
  /** Bytes per second of download. */
  readonly bandwidth: number | undefined;
}

/** `preserve` takes what the archive says (needs CHOWN); else all belongs to `uid` and `gid`, or to whoever runs this where undefined. */
export interface Ownership {
  readonly preserve: boolean;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** Permission bits that all files or directories get instead of the archive's. */
export interface Modes {
  readonly files: number | undefined;
  readonly directories: number | undefined;
}

/** Of content that the target has already: remove it, refuse to begin, or leave it and replace what bears the same name. */
export type OnExisting = 'clean' | 'fail' | 'merge';
