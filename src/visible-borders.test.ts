/** Every border over which foreign text leaves a process: whatever the text, what arrives is visible. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileText, SHOWN } from '../test/support/hostile-text.ts';
import type { KubeObject } from './api/objects.ts';
import { jsonReporter, terminalReporter } from './cli/populate/reporter.ts';
import { parseManifest } from './extract/source/oci/manifest.ts';
import type { KubeWriter } from './kube/index.ts';
import { createLog } from './pod/log.ts';
import { failureReport, writeReport } from './pod/report.ts';
import { ApiEventRecorder, setCondition } from './runtime/index.ts';
import { parsePodReport, PermanentError } from './sdk/index.ts';
import { errorText } from './snapshot/failure.ts';
import { createLogger, createMetrics } from './telemetry/index.ts';
import { byteStringOfText, printable } from './tree/bytes.ts';

const work = mkdtempSync(join(tmpdir(), 'visible-'));
afterAll(() => rmSync(work, { recursive: true }));

const claim: KubeObject = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', namespace: 'app', uid: 'u', resourceVersion: '7', creationTimestamp: 't' },
};

/** Without the line's own end, and what the terminal reporter draws by itself. */
const lines = (text: string) => text.replaceAll('\r\u001B[K', '').replace(/\n$/, '');

function logged(format: 'json' | 'text', text: string): string {
  const stream = new PassThrough();
  createLogger({ level: 'info', format, stream }).warn(text, { field: text, error: new PermanentError('X', text) });
  return lines(String(stream.read()));
}

function podLogged(text: string): string {
  let line = '';
  createLog((written) => (line = written)).warn(text, { field: text, more: { text } });
  return line;
}

function reported(text: string): string {
  const file = join(work, 'report');
  writeReport(file, failureReport(new PermanentError('X', text)));
  return readFileSync(file, 'utf8');
}

function onTerminal(text: string): string {
  let all = '';
  const reporter = terminalReporter({ write: (piece) => (all += piece) });
  reporter.logger.warn(text);
  reporter.end(failed(text), text);
  return all.split('\n').map(lines).join('');
}

function asJson(text: string): string {
  const all: string[] = [];
  const output = { write: (piece: string) => all.push(lines(piece)) };
  const reporter = jsonReporter(output, output);
  reporter.end(failed(text), text);
  return all.join('');
}

const failed = (message: string) => ({ outcome: 'failed', reason: 'X', message, permanent: true }) as const;

function conditionOf(message: string): string {
  return setCondition(undefined, { type: 'Ready', status: 'False', reason: 'X', message }, 0)[0]?.message ?? '\0';
}

function noteOf(note: string): string {
  let written = '\0';
  const client = {
    create: (_: unknown, event: { readonly note: string }) => {
      written = event.note;
      return Promise.resolve({ type: 'done', object: claim });
    },
  } as unknown as Pick<KubeWriter, 'create' | 'mergePatch'>;
  const options = { client, reportingController: 'x', reportingInstance: 'x' };
  new ApiEventRecorder({
    ...options,
    logger: createLogger({ level: 'error', format: 'text' }),
    metrics: createMetrics(),
  }).emit({ regarding: claim, type: 'Warning', reason: 'X', action: 'X', note });
  return written;
}

function digestOf(digest: string): string {
  const report = parsePodReport(
    JSON.stringify({ outcome: 'succeeded', targets: [{ digest: digest.slice(0, 256), verification: 'none' }] }),
  );
  return report?.outcome === 'succeeded' ? (report.targets[0]?.digest ?? '\0') : '\0';
}

const borders: Readonly<Record<string, (text: string) => string>> = {
  'the log, JSON': (text) => logged('json', text),
  'the log, text': (text) => logged('text', text),
  "a pod's log": podLogged,
  'a termination message': reported,
  'a terminal': onTerminal,
  'JSON of the command line': asJson,
  'a condition': conditionOf,
  'an event': noteOf,
  'the error of a snapshot': (text) => errorText({ reason: 'X', message: text }),
  'a digest that a pod reports': digestOf,
  'a name in quotes': (text) => printable(byteStringOfText(text)),
};

test.each(Object.entries(borders))('%s shows all of a text on one line', (_, border) => {
  expect(border('harmless')).toContain('harmless');
  fc.assert(fc.property(hostileText, (text) => expect(border(text)).toMatch(SHOWN)));
});

test("a registry's index does not write to the terminal by its platforms' names", () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const manifest = { mediaType: 'm', digest, size: 1 };
  const manifests = [
    { ...manifest, platform: { os: '\u001b]0;pwned\u0007\u001b[2J\u001b[31mlinux', architecture: 'x' } },
    { ...manifest, platform: { os: 'b', architecture: 'c' } },
  ];
  let message = '';
  try {
    parseManifest(JSON.stringify({ manifests }), 'amd64');
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toContain('pwned');
  expect(onTerminal(message)).toMatch(SHOWN);
});
