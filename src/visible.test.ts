import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileText, SHOWN } from '../test/support/hostile-text.ts';
import { visible, visibleJson } from './visible.ts';

describe('visible text', () => {
  test.each([
    ['plain: é ☃ 😀 "quotes" and \\', 'plain: é ☃ 😀 "quotes" and \\'],
    ['\u001b]0;title\u0007\u001b[2J', '\\u{1b}]0;title\\u{7}\\u{1b}[2J'],
    ['two\nlines\r\n\tand a tab', 'two\\nlines\\r\\n\\tand a tab'],
    ['\u007f\u0085\u009b31m', '\\u{7f}\\u{85}\\u{9b}31m'],
    ['\u2028\u2029', '\\u{2028}\\u{2029}'],
    ['\u202agpj.exe\u202e \u2066x\u2069', '\\u{202a}gpj.exe\\u{202e} \\u{2066}x\\u{2069}'],
    ['\ud83d alone', '\\u{d83d} alone'],
  ])('of %j is %s', (text, shown) => expect(visible(text)).toBe(shown));

  test('is one line without control characters, whatever the text, and stays as it is', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(visible(text)).toMatch(SHOWN);
        expect(visible(visible(text))).toBe(visible(text));
      }),
    );
  });

  test('of JSON is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.dictionary(hostileText, fc.oneof(hostileText, fc.integer())), (value) => {
        const json = visibleJson(JSON.stringify(value));
        expect(json).toMatch(SHOWN);
        expect(JSON.stringify(JSON.parse(json))).toBe(JSON.stringify(value));
      }),
    );
  });
});
