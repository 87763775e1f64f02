import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ArchiveServer, type Route, startArchiveServer } from '../../../../test/support/archive-server.ts';
import { body, headers, partBytes, type Reading, readInParts } from '../../../../test/support/parallel-reading.ts';
import { holdsWhateverGoesWrong } from '../../../../test/support/parallel-stress.ts';

const other = randomBytes(1_000_000);

let server: ArchiveServer;
beforeEach(async () => {
  server = await startArchiveServer({ host: '127.0.0.1' });
});
afterEach(async () => {
  delete process.env['HTTP_PROXY'];
  delete process.env['NO_PROXY'];
  await server.close();
});

const serve = (route: Route, reading?: Reading) => readInParts(server, route, reading);

const firsts = () =>
  server.requests.map(({ headers }) => Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? Number.NaN));

describe('parts', () => {
  test('come in order, each asked for once and under the validator', async () => {
    const { received, connections } = await serve({});
    expect(received.equals(body)).toBe(true);
    expect(connections).toBe(4);
    const parts = firsts().slice(1);
    expect(new Set(parts).size).toBe(parts.length);
    expect(parts.length).toBeGreaterThanOrEqual(18);
    expect(server.requests.slice(1).every(({ headers }) => headers['if-range'] === '"v1"')).toBe(true);
  });

  test.each([2, 3, 9, 15])('come in order where %i are all that there are', async (parts) => {
    const small = body.subarray(0, (parts + 1) * partBytes - 5);
    const { received } = await serve({ body: small });
    expect(received.equals(small)).toBe(true);
    const asked = firsts().slice(1);
    expect(new Set(asked).size).toBe(asked.length);
  });

  test('come by undici where a proxy may be in the way', async () => {
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
    process.env['NO_PROXY'] = '127.0.0.1';
    expect((await serve({})).received.equals(body)).toBe(true);
  });

  test('are not fetched further ahead than there is memory for', async () => {
    let [read, farthest] = [0, 0];
    const pause = async () => {
      read += 1;
      if (read % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      farthest = Math.max(
        farthest,
        ...firsts()
          .filter((first) => first > 0)
          .map((first) => first - read * 7001),
      );
    };
    const { received } = await serve({}, { pause });
    expect(received.equals(body)).toBe(true);
    expect(farthest).toBeGreaterThan(0);
    expect(farthest).toBeLessThanOrEqual(17 * partBytes + 7001);
  });

  test('row 24: that break or are refused a few times are asked for again, alone', async () => {
    const parts = (first: number, nth: number) => {
      if (first % partBytes !== 7001 || first < 300_000) return undefined;
      if (nth === 1) return { cutAfter: 20_000 };
      return first > 800_000 && nth < 3 ? { status: 500 } : undefined;
    };
    const { received, connections } = await serve({ parts });
    expect(received.equals(body)).toBe(true);
    expect(connections).toBe(4);
  });
});

test('whatever the sizes, the number of connections and what goes wrong with which part, the body is what it is', async () => {
  await holdsWhateverGoesWrong(server, 40);
}, 120_000);

describe('row 24: the body goes on as one stream', () => {
  test('where parts are promised and the whole is sent', async () => {
    const { received, connections } = await serve({ parts: () => ({ ranges: false }) });
    expect(received.equals(body)).toBe(true);
    expect(connections).toBe(1);
  });

  test('where a part is refused for good', async () => {
    const parts = (first: number, nth: number) => (first > 400_000 && nth < 5 ? { status: 503 } : undefined);
    const { received, connections } = await serve({ parts });
    expect(received.equals(body)).toBe(true);
    expect(connections).toBe(1);
  });

  test.each<[string, Route]>([
    ['says another place', { headers: { ...headers, 'content-range': 'bytes 1-50000/1000000' } }],
    ['says another total', { headers: { ...headers, 'content-range': 'bytes 500001-550000/2000000' } }],
    ['is of another version', { headers: { etag: '"v2"' }, body: other, status: 206 }],
  ])('where a part %s', async (_what, lie) => {
    // Told to whoever fetches the part and to its tries; the one stream that comes after them hears the truth.
    let lies = 0;
    const parts = (first: number) => (first > 500_000 && lies++ < 4 ? lie : undefined);
    const outcome = await serve({ parts }).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'SourceChanged' });
    else expect((outcome as { received: Buffer }).received.equals(body)).toBe(true);
  });
});

describe('row 24: the attempt ends', () => {
  test('where the body has changed while it was read', async () => {
    const parts = (first: number) => (first > 500_000 ? { body: other, headers: { etag: '"v2"' } } : undefined);
    await expect(serve({ parts })).rejects.toMatchObject({ code: 'SourceChanged' });
  });
});
