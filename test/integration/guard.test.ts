/**
 * deploy/components/guard on a real API server: who may do what. Each request that the policies refuse is asked without them first and is admitted
 * then, so that it is they who refuse it and not a missing right.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { GuardGround } from './guard-ground.ts';
import { objects } from './guard-objects.ts';
import { probe, type Row, rows } from './guard-rows.ts';

jest.setTimeout(180_000);

let ground: GuardGround;
const answers = { without: new Map<Row, number>(), with: new Map<Row, { code: number; message: string }>() };

beforeAll(async () => {
  ground = await GuardGround.open();
  await ground.apply(objects);
  for (const row of rows) answers.without.set(row, (await ask(row)).code);
  await ground.deploy();
  const settings = JSON.stringify({ data: { images: 'populator:*\nother:1' } });
  await ground.kubectl('-n', 'volprime-system', 'patch', 'configmap', 'volprime-guard', '--patch', settings);
  await eventually(
    'the policies to be in force',
    async () => (await ask(probe)).message,
    (text) => text.includes('volprime-marks'),
  );
  for (const row of rows)
    answers.with.set(
      row,
      await eventually(
        row.does,
        () => ask(row),
        ({ message }) => row.refusedBy === undefined || message.includes(row.refusedBy),
        3_000,
      ).catch(() => ask(row)),
    );
}, 300_000);

afterAll(() => ground?.close());

function ask({ as, call }: Pick<Row, 'as' | 'call'>) {
  return ground.ask(as, call);
}

describe('with the policies', () => {
  test.each(rows.map((row) => [row.as.user, row.does, row] as const))('%s: %s', (_user, _does, row) => {
    expect({ without: answers.without.get(row) }).toEqual({ without: expect.closeTo(200, -1) });
    const { code = 0, message = '' } = answers.with.get(row) ?? {};
    if (row.refusedBy === undefined)
      return expect({ code, message }).toEqual({ code: expect.closeTo(200, -1), message });
    expect({ code, message }).toEqual({ code: 403, message: expect.stringContaining(`'${row.refusedBy}'`) });
    expect(message).toMatch(row.says ?? /./);
  });
});

test('each policy is tried, and Kubernetes finds nothing wrong in the types of their expressions', async () => {
  const found = await ground.checkTypes();
  expect(found.map(({ metadata, status }) => [metadata.name, status?.typeChecking])).toEqual(
    [...new Set(rows.flatMap(({ refusedBy }) => refusedBy ?? []))].sort().map((name) => [name, {}]),
  );
});

test('no validation is left untried: each refuses a request in its own words', async () => {
  const says = (policy: string) =>
    new Set(rows.flatMap((row) => (row.refusedBy === policy ? (row.says?.source ?? []) : [])));
  const found = await ground.policies();
  expect(found.map(({ metadata, spec }) => [metadata.name, spec.validations.length])).toEqual(
    found.map(({ metadata }) => [metadata.name, says(metadata.name).size]),
  );
});
