/** Specs of Providers that must be refused or taken: by the API server (the CRD's CEL) and by whoever parses them, in the same words. */

export interface RefusedSpec {
  readonly what: string;
  readonly spec: object;
  /** Part of the message. */
  readonly words: string;
}

const sourceURL = 'https://example.com/data.tar.gz';
const digest = 'a'.repeat(64);
const layers = [{ sourceURL }, { sourceURL: 'https://example.com/more.tar' }];

/** So long that `count` of them are `total` characters. */
const globs = (count: number, total: number) =>
  Array.from({ length: count }, (_, index) => String(index).padStart(total / count, 'g'));
const full = (total: number) => ({
  layers: Array.from({ length: 16 }, (_, index) => ({
    sourceURL: `https://example.com/${String(index).padStart(4, '0')}`,
    include: globs(32, total / 32),
    exclude: globs(32, total / 32),
  })),
});
const TOO_LARGE = 'the spec must not be larger than 64 KiB';

/** Close to the bound, in the character that JSON, and Kubernetes where it expands variables, make most of. */
export const largestSpecs: readonly (readonly [what: string, spec: object])[] = ['g', '"', '$', 'é', '\u0001'].map(
  (character) => {
    const each = Math.max(1, Buffer.byteLength(JSON.stringify(character)) - 2);
    const glob = character.repeat(Math.floor(1_000 / each));
    return [JSON.stringify(character), { sourceURL, include: Array(32).fill(glob), exclude: Array(32).fill(glob) }];
  },
);

export const refusedSpecs: readonly RefusedSpec[] = [
  { what: 'many long globs', spec: { sourceURL, include: globs(64, 65_536), exclude: ['g'] }, words: TOO_LARGE },
  { what: 'many long globs in layers', spec: full(65_536), words: TOO_LARGE },
  {
    what: 'many long addresses',
    spec: {
      layers: Array.from({ length: 15 }, () => ({
        sourceURL,
        mirrors: globs(2, 4_500).map((tail) => `${sourceURL}/${tail}`),
      })),
    },
    words: TOO_LARGE,
  },
  { what: 'no source', spec: {}, words: 'say where the source is in sourceURL, or in layers' },
  { what: 'two sources', spec: { sourceURL, layers }, words: 'in sourceURL, or in layers' },
  ...[
    {
      what: 'a URL that is none',
      spec: { sourceURL: 'data.tar.gz' },
      words: 'must be an absolute URL such as https://',
    },
    { what: 'an empty URL', spec: { sourceURL: '' }, words: 'sourceURL' },
    { what: 'file:', spec: { sourceURL: 'file:///etc/passwd' }, words: 'must use the scheme http, https, s3 or oci' },
    {
      what: 'ftp:',
      spec: { sourceURL: 'ftp://example.com/a.tgz' },
      words: 'must use the scheme http, https, s3 or oci',
    },
    { what: 'no host', spec: { sourceURL: 'https:///a.tgz' }, words: 'must name a host' },
    {
      what: 'a password',
      spec: { sourceURL: 'https://me:secret@example.com/a.tgz' },
      words: 'must not hold a user name or password; put them in a Secret and name it in secretRef',
    },
    {
      what: 'a user',
      spec: { sourceURL: 'https://me@example.com/a.tgz' },
      words: 'must not hold a user name or password; put them in a Secret and name it in secretRef',
    },
  ].flatMap(({ what, spec, words }) => [
    { what, spec, words: `sourceURL${words === 'sourceURL' ? '' : ` ${words}`}` },
    { what: `${what}, in a layer`, spec: { layers: [{ sourceURL }, spec] }, words },
    {
      what: `${what}, as a mirror`,
      spec: { sourceURL, mirrors: [spec.sourceURL] },
      words: words.replace('sourceURL', 'mirrors'),
    },
  ]),
  { what: 'a bucket without a key', spec: { sourceURL: 's3://bucket/' }, words: 'as s3://bucket/key' },
  { what: 'a bucket that is none', spec: { sourceURL: 's3://My_Bucket/key' }, words: 'as s3://bucket/key' },
  { what: 'a registry alone', spec: { sourceURL: 'oci://ghcr.io' }, words: 'as oci://registry/repository:tag' },
  {
    what: 'a tag that is none',
    spec: { sourceURL: 'oci://ghcr.io/org/data:' },
    words: 'as oci://registry/repository:tag',
  },
  { what: 'a digest that is none', spec: { sourceURL: 'oci://ghcr.io/org/data@md5:aa' }, words: 'as oci://registry/' },
  {
    what: 'a registry with a mirror that is none',
    spec: { sourceURL: 'oci://ghcr.io/org/data:1', mirrors: [sourceURL] },
    words: 'mirrors must be oci:// where sourceURL is',
  },
  {
    what: 'an endpoint with a query',
    spec: { sourceURL: 's3://bucket/key', s3: { endpoint: 'https://s3?x=1' } },
    words: 's3.endpoint must be',
  },
  {
    what: 'a region with spaces',
    spec: { sourceURL: 's3://bucket/key', s3: { region: 'eu central' } },
    words: 's3.region must be',
  },
  {
    what: 'a path out of the volume',
    spec: { sourceURL, extractPath: '/data/../../etc' },
    words: 'extractPath must stay inside the volume',
  },
  { what: 'dots alone', spec: { sourceURL, extractPath: '/..' }, words: 'extractPath must stay inside the volume' },
  { what: 'a relative path', spec: { sourceURL, extractPath: 'data' }, words: 'extractPath must start with "/"' },
  { what: 'another digest', spec: { sourceURL, checksum: `md5:${digest}` }, words: 'checksum must be "sha256:"' },
  { what: 'a short digest', spec: { sourceURL, checksum: 'sha256:abc' }, words: 'checksum must be "sha256:"' },
  {
    what: 'a sha512 that is a sha256',
    spec: { sourceURL, checksum: `sha512:${digest}` },
    words: 'checksum must be "sha256:"',
  },
  {
    what: 'capital digits',
    spec: { sourceURL, checksum: `sha256:${digest.toUpperCase()}` },
    words: 'checksum must be "sha256:"',
  },
  { what: 'a format in small letters', spec: { sourceURL, format: 'tar' }, words: 'format' },
  {
    what: 'globs on a single file',
    spec: { sourceURL, format: 'File', include: ['*.txt'] },
    words: 'stripComponents, include and exclude choose from the names in an archive',
  },
  {
    what: 'stripping an image',
    spec: { layers: [{ sourceURL, format: 'Raw', stripComponents: 1 }] },
    words: 'stripComponents, include and exclude choose',
  },
  { what: 'no parts to strip', spec: { sourceURL, stripComponents: -1 }, words: 'stripComponents' },
  { what: 'an empty list of globs', spec: { sourceURL, include: [] }, words: 'include' },
  { what: 'no layers', spec: { layers: [] }, words: 'layers' },
  {
    what: 'layers and a checksum beside them',
    spec: { layers, checksum: `sha256:${digest}` },
    words: 'belong into each layer where there are layers',
  },
  {
    what: 'an image among layers',
    spec: { layers: [{ sourceURL, format: 'Raw' }, { sourceURL }] },
    words: 'layers: an image (format Raw) fills the whole device',
  },
  { what: 'a Secret without a name', spec: { sourceURL, secretRef: {} }, words: 'secretRef.name' },
  { what: 'a ConfigMap without a name', spec: { sourceURL, caBundleRef: { key: 'x' } }, words: 'caBundleRef.name' },
  {
    what: 'a key that is a path',
    spec: { sourceURL, caBundleRef: { name: 'ca', key: '../ca' } },
    words: 'caBundleRef.key',
  },
  {
    what: 'a proxy without a scheme',
    spec: { sourceURL, proxy: 'proxy:3128' },
    words: 'proxy must be the address of a proxy such as http://',
  },
  {
    what: 'a proxy with a password',
    spec: { sourceURL, proxy: 'http://me:x@proxy:3128' },
    words: 'proxy must not hold a user name or password; put them in a Secret and name it in proxySecretRef',
  },
  {
    what: 'a proxy with a user',
    spec: { sourceURL, proxy: 'http://me@proxy:3128' },
    words: 'name it in proxySecretRef',
  },
  {
    what: 'a password for no proxy',
    spec: { sourceURL, proxySecretRef: { name: 'login' } },
    words: 'proxySecretRef holds what is sent to a proxy: say which one in proxy',
  },
  {
    what: "a proxy's Secret without a name",
    spec: { sourceURL, proxy: 'http://proxy:3128', proxySecretRef: {} },
    words: 'proxySecretRef.name',
  },
  {
    what: 'a size that is none',
    spec: { sourceURL, limits: { bytes: 'big' } },
    words: 'limits.bytes must be a quantity above 0 such as "10Gi"',
  },
  { what: 'no size', spec: { sourceURL, limits: { bytes: '0' } }, words: 'limits.bytes must be a quantity above 0' },
  {
    what: 'less than no bandwidth',
    spec: { sourceURL, limits: { bandwidth: '-1Mi' } },
    words: 'limits.bandwidth must be a quantity above 0',
  },
  { what: 'no files', spec: { sourceURL, limits: { files: 0 } }, words: 'limits.files' },
  { what: 'no ratio', spec: { sourceURL, limits: { ratio: 0 } }, words: 'limits.ratio' },
  {
    what: 'two kinds of owner',
    spec: { sourceURL, ownership: { preserve: true, uid: 1 } },
    words: 'leave out uid and gid, or preserve',
  },
  {
    what: 'an owner that Linux does not know',
    spec: { sourceURL, ownership: { uid: 4_294_967_295 } },
    words: 'ownership.uid',
  },
  {
    what: 'permissions that are none',
    spec: { sourceURL, mode: { files: '888' } },
    words: 'mode.files must be permission bits in octal digits',
  },
  {
    what: 'setuid for all',
    spec: { sourceURL, mode: { directories: '4755' } },
    words: 'mode.directories must be permission bits',
  },
  {
    what: 'an image beside what a device holds',
    spec: { sourceURL, format: 'Raw', onExisting: 'Merge' },
    words: 'onExisting must be Clean, or left out, for an image',
  },
  {
    what: 'an image, in a layer, for an empty device only',
    spec: { layers: [{ sourceURL, format: 'Raw' }], onExisting: 'Fail' },
    words: 'onExisting must be Clean, or left out, for an image',
  },
  { what: 'a rule for existing content that is none', spec: { sourceURL, onExisting: 'Ask' }, words: 'onExisting' },
];

export const acceptedSpecs: readonly (readonly [what: string, spec: object])[] = [
  ['64 KiB, nearly, in layers', full(57_344)],
  ...largestSpecs.map(([what, spec]) => [`64 KiB, nearly, of ${what}`, spec] as const),
  ['the smallest', { sourceURL }],
  ['http, a port, a query', { sourceURL: 'http://example.com:8080/a.tgz?version=1&user=me@example.com' }],
  ['dots that lead nowhere', { sourceURL, extractPath: '/data..old/.hidden/...' }],
  [
    'what there was at first',
    { sourceURL, extractPath: '/', checksum: `sha256:${digest}`, secretRef: { name: 'login' } },
  ],
  [
    'everything of one source',
    {
      sourceURL,
      mirrors: ['http://mirror.example.com/data.tar.gz'],
      checksum: `sha512:${digest}${digest}`,
      format: 'Tar',
      stripComponents: 1,
      include: ['data/**', '*.json'],
      exclude: ['**/*.tmp'],
      extractPath: '/data',
      secretRef: { name: 'login' },
      caBundleRef: { name: 'company-ca', key: 'root.pem' },
      proxy: 'http://proxy.example.com:3128',
      proxySecretRef: { name: 'proxy-login' },
      limits: { bytes: '10Gi', files: 100_000, ratio: 200, bandwidth: '50Mi' },
      ownership: { uid: 1000, gid: 1000 },
      mode: { files: '0640', directories: '750' },
      onExisting: 'Merge',
    },
  ],
  [
    'several layers',
    {
      layers: [{ ...layers[0], checksum: `sha256:${digest}`, include: ['a'] }, layers[1]],
      ownership: { preserve: true },
    },
  ],
  [
    'S3',
    {
      sourceURL: 's3://bucket/a key/with=signs.tar',
      s3: { endpoint: 'https://{bucket}.s3.example.com', region: 'eu-central-1' },
    },
  ],
  ['a tag', { sourceURL: 'oci://localhost:5000/org/data_set/x:1.2', mirrors: ['oci://ghcr.io/org/data'] }],
  ['a digest', { sourceURL: `oci://ghcr.io/org/data@sha256:${digest}`, checksum: `sha256:${digest}` }],
  ['one image on a device that is cleaned', { sourceURL, format: 'Raw', onExisting: 'Clean' }],
  ['one image', { sourceURL: 'https://example.com/disk.img.zst', format: 'Raw' }],
];
