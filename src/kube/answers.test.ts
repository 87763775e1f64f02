import { describe, expect, test } from '@jest/globals';
import { errorOf, writeOutcome } from './answers.ts';
import type { Answer } from './exchange.ts';
import type { Call } from './transport.ts';

const call = (verb: string): Call => ({
  verb,
  resource: 'persistentvolumeclaims',
  method: 'PATCH',
  path: '/x',
  idempotent: true,
});
const answer = (status: number, body: unknown): Answer => ({
  status,
  headers: {},
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const failure = (code: number, reason: string, more: object = {}) =>
  answer(code, { kind: 'Status', status: 'Failure', code, reason, message: `because ${reason}`, ...more });
const object = (metadata: object) => ({ kind: 'ConfigMap', metadata: { name: 'a', uid: 'u', ...metadata } });
const because = (cause: object) => ({ details: { causes: [cause] } });

describe('writeOutcome', () => {
  test.each<[string, string, Answer, object]>([
    ['a patch that was made', 'patch', answer(200, object({})), { type: 'done', object: object({}) }],
    ['a create that was made', 'create', answer(201, object({})), { type: 'done', object: object({}) }],
    ['404', 'patch', failure(404, 'NotFound'), { type: 'absent' }],
    ['404 of a kind that is not served', 'create', answer(404, '404 page not found\n'), { type: 'absent' }],
    ['409 Conflict', 'patch', failure(409, 'Conflict'), { type: 'conflict', message: 'because Conflict' }],
    ['409 AlreadyExists', 'create', failure(409, 'AlreadyExists'), { type: 'exists' }],
    [
      '422 Invalid',
      'patch',
      failure(422, 'Invalid'),
      { type: 'refused', reason: 'Invalid', message: 'because Invalid' },
    ],
    [
      '422 since the uid differs',
      'patch',
      failure(422, 'Invalid', because({ field: 'metadata.uid', reason: 'FieldValueInvalid' })),
      { type: 'conflict', message: 'because Invalid' },
    ],
    ['400', 'patch', failure(400, 'BadRequest'), { type: 'refused', reason: 'Invalid', message: 'because BadRequest' }],
    [
      '403',
      'create',
      failure(403, 'Forbidden'),
      { type: 'refused', reason: 'Forbidden', message: 'because Forbidden' },
    ],
    [
      '403 of a terminating namespace',
      'create',
      failure(403, 'Forbidden', because({ reason: 'NamespaceTerminating' })),
      { type: 'refused', reason: 'NamespaceTerminating', message: 'because Forbidden' },
    ],
    [
      '403 of a quota',
      'create',
      failure(403, 'Forbidden', { message: 'pods "a" is forbidden: exceeded quota: q, requested: pods=1' }),
      {
        type: 'refused',
        reason: 'QuotaExceeded',
        message: 'pods "a" is forbidden: exceeded quota: q, requested: pods=1',
      },
    ],
    ['405', 'create', answer(405, 'no'), { type: 'refused', reason: 'KindNotServed', message: 'HTTP 405' }],
    ['413', 'patch', answer(413, 'too large'), { type: 'refused', reason: 'TooLarge', message: 'HTTP 413' }],
    [
      'a delete answered with a Status',
      'delete',
      answer(200, { kind: 'Status', status: 'Success' }),
      { type: 'absent' },
    ],
  ])('%s', (_, verb, given, expected) => {
    expect(writeOutcome(call(verb), given)).toEqual(expected);
  });

  test.each<[string, object, 'done' | 'absent']>([
    ['waits for a finalizer', { deletionTimestamp: 't', finalizers: ['a/b'] }, 'done'],
    ['waits for its grace period', { deletionTimestamp: 't', deletionGracePeriodSeconds: 30 }, 'done'],
    ['waits for nothing', { deletionTimestamp: 't', deletionGracePeriodSeconds: 0 }, 'absent'],
    ['was removed at once', {}, 'absent'],
  ])('a delete whose object %s is %s', (_, metadata, type) => {
    expect(writeOutcome(call('delete'), answer(200, object(metadata))).type).toBe(type);
  });

  test.each([
    [401, 'KUBE_UNAUTHORIZED'],
    [406, 'KUBE_REFUSED'],
    [429, 'KUBE_THROTTLED'],
    [500, 'KUBE_SERVER_ERROR'],
    [302, 'KUBE_BAD_ANSWER'],
  ])('%i is thrown as %s', (status, code) => {
    expect(() => writeOutcome(call('patch'), answer(status, 'no'))).toThrow(
      expect.objectContaining({ code, httpStatus: status }),
    );
  });

  test('an answer that is not JSON is thrown', () => {
    expect(() => writeOutcome(call('patch'), answer(200, '<html>'))).toThrow(
      expect.objectContaining({ code: 'KUBE_BAD_ANSWER' }),
    );
  });
});

describe('errorOf', () => {
  test("names what was tried and the server's own words, and keeps no body", () => {
    const error = errorOf(call('list'), failure(403, 'Forbidden', { details: { secret: 'x' } }));
    expect(error).toMatchObject({
      code: 'KUBE_FORBIDDEN',
      verb: 'list',
      message: 'list persistentvolumeclaims: because Forbidden',
    });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  test('takes over how long the server wants to be left alone', () => {
    const error = errorOf(call('list'), { ...answer(429, ''), headers: { 'retry-after': '7' } });
    expect(error.retry).toEqual({ type: 'after', ms: 7000 });
  });
});
