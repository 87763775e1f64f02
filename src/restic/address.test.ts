import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseAddress, printAddress, type RepositoryAddress } from './address.ts';

const sftp = (host: string, path: string, more: object = {}) => ({ kind: 'sftp', host, path, ...more });

/** restic's own tables (internal/backend/sftp, rest, s3, azure, b2, gs, swift: config_test.go), and what they leave out. */
test.each([
  ['/repository/a/../b/', { kind: 'local', path: '/repository/b' }],
  ['local:/repository/x y', { kind: 'local', path: '/repository/x y' }],
  ['sftp://user@host/dir/subdir', sftp('host', 'dir/subdir', { user: 'user' })],
  ['sftp://host/dir/subdir', sftp('host', 'dir/subdir')],
  ['sftp://host//dir/subdir', sftp('host', '/dir/subdir')],
  ['sftp://user@host:10022//dir/subdir', sftp('host', '/dir/subdir', { user: 'user', port: '10022' })],
  ['sftp://user@host/dir/subdir/../other', sftp('host', 'dir/other', { user: 'user' })],
  ['sftp://user@host/dir///subdir', sftp('host', 'dir/subdir', { user: 'user' })],
  ['sftp://user@[::1]/dir', sftp('::1', 'dir', { user: 'user' })],
  ['sftp://user@[::1]:22/dir', sftp('::1', 'dir', { user: 'user', port: '22' })],
  ['sftp://a%40b@host/d%20e', sftp('host', 'd e', { user: 'a@b' })],
  ['sftp:user@host:/dir/subdir', sftp('host', '/dir/subdir', { user: 'user' })],
  ['sftp:user@domain@host:/dir/subdir', sftp('host', '/dir/subdir', { user: 'user@domain' })],
  ['sftp:host:../dir/subdir', sftp('host', '../dir/subdir')],
  ['sftp:user@host:dir/subdir:suffix', sftp('host', 'dir/subdir:suffix', { user: 'user' })],
  ['sftp:user@host:dir%20x', sftp('host', 'dir%20x', { user: 'user' })],
  ['rest:http://localhost:1234', { kind: 'rest', scheme: 'http', host: 'localhost', port: '1234', path: '/' }],
  ['rest:HTTPS://user@h/x/', { kind: 'rest', scheme: 'https', user: 'user', host: 'h', path: '/x/' }],
  [
    'rest:https://u:p@ss:w%2Frd@h/x',
    { kind: 'rest', scheme: 'https', user: 'u', password: 'p@ss:w/rd', host: 'h', path: '/x' },
  ],
  ['rest:http://u:@h:1/', { kind: 'rest', scheme: 'http', user: 'u', password: '', host: 'h', port: '1', path: '/' }],
  [
    's3:https://host:9000/bucket/a%20b',
    { kind: 's3', scheme: 'https', host: 'host', port: '9000', path: 'bucket/a%20b' },
  ],
  ['s3:http://host/bucket', { kind: 's3', scheme: 'http', host: 'host', path: 'bucket' }],
  ['s3://eu-central-1/bucket/prefix', { kind: 's3', host: 'eu-central-1', path: 'bucket/prefix' }],
  ['s3:host:9000/bucket/a?b', { kind: 's3', host: 'host', port: '9000', path: 'bucket/a?b' }],
  ['azure:container:/prefix/../x', { kind: 'azure', container: 'container', prefix: 'x' }],
  ['azure:container:', { kind: 'azure', container: 'container', prefix: '' }],
  ['b2:bucketname', { kind: 'b2', container: 'bucketname', prefix: '' }],
  ['b2:bucketname:/prefix/dir/', { kind: 'b2', container: 'bucketname', prefix: 'prefix/dir' }],
  ['gs:bucket.name:/prefix', { kind: 'gs', container: 'bucket.name', prefix: 'prefix' }],
  ['swift:container17:/prefix97', { kind: 'swift', container: 'container17', prefix: 'prefix97' }],
])('%s is parsed as restic parses it, and is the same when printed', (text, parts) => {
  const address = parseAddress(text);
  expect(address).toEqual(expect.objectContaining(parts));
  expect(parseAddress(printAddress(address))).toEqual(withoutSecrets(address));
});

test.each([
  // A host that ssh takes for an option, wherever restic splits.
  ['sftp:-oProxyCommand=x:/y', 'begins with "-"'],
  ['sftp:user@-oX:/p', 'begins with "-"'],
  ['sftp:a@b@-oX:/p', 'begins with "-"'],
  ['sftp://-oX/p', 'begins with "-"'],
  ['sftp://a@-oX/p', 'begins with "-"'],
  ['sftp://a%40b@-oX:22//p', 'begins with "-"'],
  ['sftp://%2DoX/p', 'no host name'],
  ['sftp:-lroot@host:/p', 'begins with "-"'],
  ['sftp:a@b@c@d:/p', 'no host name'],
  ['sftp:@:/p', 'no host'],
  ['sftp::/p', 'no host'],
  ['sftp://host:dir', 'no directory'],
  ['sftp://host:dir/x', 'port'],
  ['sftp://host:-oX/p', 'port'],
  ['sftp://host:0/p', 'port'],
  ['sftp://host:65536/p', 'port'],
  ['sftp://host', 'no directory'],
  ['sftp:host', 'no directory'],
  ['sftp:user@host:~/dir', '"~"'],
  ['sftp://user:pass-word@host/dir', 'password'],
  ['rclone:remote:x', 'rclone'],
  ['rest:http+unix:///tmp/rest.socket:/repo/', 'socket'],
  ['rest:localhost/', 'http://'],
  ['rest:ftp://host/', 'http://'],
  ['rest:https://u:pass-word#x@host/', '%23'],
  ['rest:https://u:100%@host/', '%25'],
  ['rest:https://u:p%0aw@host/', 'control character'],
  ['rest:https:///x', 'no host'],
  ['s3:https://key:pass-word@host/bucket', 'AWS_ACCESS_KEY_ID'],
  ['s3:https://host', 'no bucket'],
  ['s3:httpx/bucket', 'http'],
  ['b2:short', 'container'],
  ['azure:../x:/y', 'container'],
  ['azure:container', ':/prefix'],
  ['gs:bucket:../x', '".."'],
  ['swift:container:prefix', ':/prefix'],
  ['exec:sh', 'none of the known kinds'],
  ['SFTP:host:/x', 'none of the known kinds'],
  ['../x', 'none of the known kinds'],
  ['local:x', 'relative'],
  ['s3:https://host/a b', 'white space'],
  ['/repository/\u001b[2J', 'control character'],
  ['', 'none of the known kinds'],
])('%j is refused by the reason, and not quoted', (text, words) => {
  expect(() => parseAddress(text)).toThrow(
    expect.objectContaining({ code: 'CredentialsInvalid', message: expect.stringContaining(words) }),
  );
  expect(() => parseAddress(text)).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('pass-word') }),
  );
});

const parts = fc.constantFrom(
  'a',
  'host',
  '-oX',
  '@',
  ':',
  '/',
  '//',
  '[::1]',
  '%40',
  '%2D',
  '~',
  '..',
  '22',
  '?',
  '#',
  '[',
  ']',
);
const starts = fc.constantFrom(
  'sftp:',
  'sftp://',
  'rest:http://',
  's3:',
  's3://',
  's3:https://',
  'gs:abc',
  'azure:abc',
  'b2:abcdef',
  '/',
);
const addresses = fc.tuple(starts, fc.array(parts, { maxLength: 8 })).map(([start, rest]) => start + rest.join(''));

describe('of whatever is put together', () => {
  test('an address that is taken has no host with a first "-", as restic splits what is printed', () => {
    let taken = 0;
    fc.assert(
      fc.property(addresses, (text) => {
        const address = tried(text);
        if (address === undefined) return;
        taken++;
        const printed = printAddress(address);
        expect(parseAddress(printed)).toEqual(withoutSecrets(address));
        if ('host' in address) expect(address.host).not.toMatch(/^-|^$/);
        if (address.kind === 'sftp') expect(sshArguments(printed)[0]).toBe(address.host);
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  test('user and password of rest: come back decoded, and are not in what is printed', () => {
    const words = fc.string({
      unit: fc.constantFrom('q', 'Z', '@', ':', '/', '%', '#', '?', '&', 'é', '+', '"'),
      minLength: 4,
    });
    fc.assert(
      fc.property(words, words, (user, password) => {
        const address = parseAddress(`rest:https://${encodeURIComponent(user)}:${encodeURIComponent(password)}@host/`);
        expect(address).toMatchObject({ user, password, host: 'host' });
        expect(printAddress(address)).toBe('rest:https://host/');
      }),
    );
  });
});

function tried(text: string): RepositoryAddress | undefined {
  try {
    return parseAddress(text);
  } catch {
    return undefined;
  }
}

function withoutSecrets(address: RepositoryAddress): RepositoryAddress {
  return address.kind === 'rest' ? { ...address, user: undefined, password: undefined } : address;
}

/** What restic gives to ssh first, by its rules for the form with two slashes. */
function sshArguments(printed: string): string[] {
  const { hostname, port } = new URL(printed);
  return [hostname.replace(/^\[|\]$/g, ''), port];
}
