/** How restic's ssh is called for `sftp:` repositories. Pure. */

/** Keys of the Secret; the first is that of Kubernetes' type kubernetes.io/ssh-auth. */
export const PRIVATE_KEY = 'ssh-privatekey';
export const KNOWN_HOSTS = 'known_hosts';

export interface SshFiles {
  /** Owned by this process and readable by nobody else: ssh takes no other. */
  readonly identityFile: string;
  readonly knownHostsFile: string;
  /** What ssh has to say goes there: restic passes on its standard error only where it gets to it before it ends itself. */
  readonly log: string;
}

/**
 * Options of restic. Everything that ssh would look up by itself is said outright: no file of the image and nothing of the environment has a say,
 * a host that is not in the file is refused, and nobody is asked. A server that stops answering is given up after about a minute.
 *
 * The address, and with it host, port and user, is added by restic.
 */
export function sshOptions({ identityFile, knownHostsFile, log }: SshFiles): readonly string[] {
  const settings = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: knownHostsFile,
    GlobalKnownHostsFile: 'none',
    UpdateHostKeys: 'no',
    IdentitiesOnly: 'yes',
    IdentityFile: identityFile,
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    ForwardAgent: 'no',
    ConnectTimeout: '30',
    ServerAliveInterval: '15',
    ServerAliveCountMax: '4',
  };
  const options = Object.entries(settings).map(([name, value]) => `-o ${quoted(`${name}=${value}`)}`);
  return ['-o', `sftp.args=${['-F none', `-E ${quoted(log)}`, ...options].join(' ')}`];
}

/** For restic, which takes the text apart as a shell does, quotes and nothing else. */
function quoted(text: string): string {
  if (text.includes("'")) throw new Error(`a path for ssh has a quote in it: ${text}`);
  return /[\s"\\]/.test(text) ? `'${text}'` : text;
}

/** ssh's reason and its conclusion; what it draws around them is for people at a screen. */
const LINES = 2;

/** @param log as ssh wrote it. @returns the lines that end it. */
export function wordsOfSsh(log: string): readonly string[] {
  const lines = log.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').slice(-LINES);
}

/** A key as ssh can read it: lines end in LF, the last one too. Editors and `--from-literal` take that away. */
export function keyForSsh(text: string): string {
  return `${text.replaceAll('\r', '').trim()}\n`;
}
