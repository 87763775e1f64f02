import { describe, expect, test } from '@jest/globals';
import { parseS3Url } from './s3.ts';

const at = (text: string, endpoint?: string, region?: string) => parseS3Url(text, { endpoint, region }).url.href;

describe('the address of an object', () => {
  test.each<[string, string | undefined, string | undefined, string]>([
    ['s3://bucket/a/b.tar', undefined, undefined, 'https://bucket.s3.us-east-1.amazonaws.com/a/b.tar'],
    ['s3://bucket/a', undefined, 'eu-west-1', 'https://bucket.s3.eu-west-1.amazonaws.com/a'],
    ['s3://buck.et/a', undefined, 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com/buck.et/a'],
    ['s3://bucket/a', 'http://minio:9000', undefined, 'http://minio:9000/bucket/a'],
    ['s3://bucket/a', 'https://host/base/', undefined, 'https://host/base/bucket/a'],
    ['s3://bucket/a', 'https://{bucket}.example.com', undefined, 'https://bucket.example.com/a'],
    ['s3://bucket//a//b', 'http://h', undefined, 'http://h/bucket//a//b'],
    ['s3://bucket/a b?c#d%20+', 'http://h', undefined, 'http://h/bucket/a%20b%3Fc%23d%2520%2B'],
    ["s3://bucket/é!'()*", 'http://h', undefined, 'http://h/bucket/%C3%A9%21%27%28%29%2A'],
  ])('%s at %s in %s is %s', (text, endpoint, region, url) => {
    expect(at(text, endpoint, region)).toBe(url);
  });

  test.each([
    ['s3://bucket', undefined, undefined, 's3://bucket/key'],
    ['s3://bucket/', undefined, undefined, 's3://bucket/key'],
    ['s3://Bucket/a', undefined, undefined, 's3://bucket/key'],
    ['s3://user:geheim@bucket/a', undefined, undefined, 's3://bucket/key'],
    ['s3://bucket/a/../b', undefined, undefined, '".."'],
    ['s3://bucket/./b', undefined, undefined, '"."'],
    ['s3://bucket/a', 'ftp://h', undefined, 's3.endpoint'],
    ['s3://bucket/a', 'h', undefined, 's3.endpoint'],
    ['s3://bucket/a', 'https://user:geheim@h', undefined, 's3.endpoint'],
    ['s3://bucket/a', undefined, 'evil.example/', 's3.region'],
  ])('%s at %s in %s is refused', (text, endpoint, region, words) => {
    const refusal = expect(() => at(text, endpoint, region));
    refusal.toThrow(expect.objectContaining({ code: 'InvalidSource', message: expect.stringContaining(words) }));
    refusal.toThrow(expect.objectContaining({ message: expect.not.stringContaining('geheim') }));
  });
});
