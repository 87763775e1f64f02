import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { redactor } from './redact.ts';

const secrets = fc
  .string({
    unit: fc.constantFrom('s', 'K', '@', ':', '/', '%', '"', '\\', '&', '+', ' ', 'é', '😀', "'", '<'),
    minLength: 4,
  })
  .filter((text) => text.trim().length >= 4);

const forms: readonly ((text: string) => string)[] = [
  (text) => text,
  encodeURIComponent,
  encodeURI,
  (text) => encodeURIComponent(text).replace(/%../g, (escape) => escape.toLowerCase()),
  (text) => JSON.stringify(text),
  (text) => new URLSearchParams({ x: text }).toString(),
  (text) => Buffer.from(text).toString('base64'),
  (text) => `https://user:${encodeURIComponent(text)}@host/path`,
];

describe('a secret', () => {
  test('is in no text, however it is written there', () => {
    fc.assert(
      fc.property(secrets, fc.constantFrom(...forms), fc.string(), fc.string(), (secret, form, before, after) => {
        const text = redactor([secret, 'another'])(`${before} ${form(secret)} ${after}`);
        expect(text).not.toContain(form(secret));
        expect(text).toContain('***');
      }),
      { numRuns: 1000 },
    );
  });

  test('with "@" is not left in half, whichever URL it stands in', () => {
    expect(redactor([])('Get "http://user:p@ss-word@host/x": refused')).toBe('Get "http://***@host/x": refused');
    expect(redactor(['p@ss-word'])('p@ss-word at http://user:p%40ss-word@host/')).toBe('*** at http://***@host/');
  });

  test('of several lines is found by each of them', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\nabcdefghijklmnopqrstu\n-----END PRIVATE KEY-----\n';
    const text = redactor([key])('line MIIEvQIBADANBgkqhkiG, -----BEGIN PRIVATE KEY-----');
    expect(text).toBe('line ***, -----BEGIN PRIVATE KEY-----');
    expect(redactor([key])(JSON.stringify({ key }))).not.toContain('abcdefghijklmnopqrstu');
  });

  test('of up to three characters leaves the text readable, and goes with a user in a URL', () => {
    const redact = redactor(['a', 'to', 'the']);
    expect(redact('a path to the repository')).toBe('a path to the repository');
    expect(redact('http://user:the@host/')).toBe('http://***@host/');
  });

  test('that is part of another does not show the rest of it', () => {
    expect(redactor(['correct', 'correct horse battery'])('correct horse battery, correct')).toBe('***, ***');
  });
});
