import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseProbeAddress } from '../../src/config/probe-address.ts';
import { anyText } from './any-text.ts';

function addressOf(text: string) {
  const parsed = parseProbeAddress(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
}

describe('parseProbeAddress', () => {
  test.each([
    ['https://shop.example.com/healthz', 'https://shop.example.com/healthz'],
    ['http://10.0.0.1:8080', 'http://10.0.0.1:8080/'],
    ['https://shop.example.com/?token=s3cretvalue', 'https://shop.example.com/?…'],
    ['https://joe:pa55word@shop.example.com/a#b', 'https://shop.example.com/a'],
    ['service://shop/web:80', 'service://shop/web:80/'],
    ['service://shop/web:http/healthz/', 'service://shop/web:http/healthz/'],
    ['service://shop/https:web:443/a%20b?key=s3cretvalue', 'service://shop/https:web:443/a%20b?…'],
  ])('%s is shown as %s', (text, shown) => {
    expect(addressOf(text).shown).toBe(shown);
  });

  test('knows its parts', () => {
    expect(addressOf('service://shop/https:web:443/a%20b?x=1')).toMatchObject({
      kind: 'service',
      namespace: 'shop',
      name: 'web',
      port: '443',
      scheme: 'https',
      path: 'a b',
      query: '?x=1',
    });
    expect(addressOf('https://joe:pa55word@h/a?b=c#d')).toMatchObject({ kind: 'url', url: 'https://joe:pa55word@h/a?b=c' });
  });

  test('lists what must be hidden, in every form', () => {
    const { secrets } = addressOf('https://joe:pa%2Fss@h/?token=a%2Bb&other=plainvalue');
    expect(secrets).toEqual(
      expect.arrayContaining(['joe', 'pa%2Fss', 'pa/ss', 'token=a%2Bb&other=plainvalue', 'a%2Bb', 'a+b', 'plainvalue']),
    );
  });

  test.each([
    'shop.example.com',
    'ftp://shop.example.com',
    'http://',
    'http://169.254.169.254/latest/meta-data',
    'http://[fe80::1]/',
    'service://shop/web',
    'service://shop/web:0/',
    'service://shop/web:80/../secrets',
    'service://shop/web:80/a//b',
    'service://shop/web:80/%zz',
    'service://Shop/web:80/',
  ])('refuses %s, and does not repeat it', (text) => {
    const parsed = parseProbeAddress(text);
    expect(parsed).toHaveProperty('problem');
    expect(JSON.stringify(parsed)).toMatch(/valid is an address/);
  });

  test('never throws, and never shows a secret', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const parsed = parseProbeAddress(text);
        expect('value' in parsed || 'problem' in parsed).toBe(true);
      }),
    );
    const word = fc.stringMatching(/^[a-z0-9]{8,16}$/u);
    fc.assert(
      fc.property(word, word, fc.constantFrom('https://h/p?k=', 'service://shop/web:80/p?k='), (password, token, start) => {
        const text = start.startsWith('https') ? `https://u:${password}@h/p?k=${token}` : `${start}${token}`;
        const { shown, secrets } = addressOf(text);
        expect(shown).not.toContain(token);
        expect(shown).not.toContain(password);
        expect(secrets).toContain(token);
      }),
    );
  });
});
