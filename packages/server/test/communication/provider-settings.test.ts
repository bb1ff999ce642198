import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';

const provider = (env: Readonly<Record<string, string>>) => readConfig(env).provider;
const URL_NAME = 'COUNTERSIGN_PROVIDER_URL';
const MODEL = { COUNTERSIGN_PROVIDER_MODEL: 'reader-1' };
const LIVE = { COUNTERSIGN_ENVIRONMENT: 'live' };

describe('the settings of a model', () => {
  it('are none by default', () => {
    expect(provider({})).toBeUndefined();
  });

  it('name address, model and key', () => {
    expect(
      provider({
        ...LIVE,
        ...MODEL,
        [URL_NAME]: 'https://api.example.com/v1',
        COUNTERSIGN_PROVIDER_KEY: 'key-1',
      }),
    ).toEqual({ url: 'https://api.example.com/v1', model: 'reader-1', key: 'key-1' });
  });

  it('are for live only: in test a mock reads besides', () => {
    const env = { ...MODEL, [URL_NAME]: 'https://api.example.com/v1' };
    expect(() => provider(env)).toThrow(`${URL_NAME} is for live`);
  });

  it.each([
    ['a model alone', MODEL],
    ['an address alone', { [URL_NAME]: 'https://api.example.com/v1' }],
    ['a key alone', { COUNTERSIGN_PROVIDER_KEY: 'key-1' }],
    ['an address of this machine', { ...MODEL, [URL_NAME]: 'https://127.0.0.1:8000/v1' }],
    ['an address without encryption', { ...MODEL, [URL_NAME]: 'http://api.example.com/v1' }],
    ['an address of our own network', { ...MODEL, [URL_NAME]: 'https://10.0.0.5/v1' }],
    ['an address with a user', { ...MODEL, [URL_NAME]: 'https://me@api.example.com/v1' }],
    ['an address with a query', { ...MODEL, [URL_NAME]: 'https://api.example.com/v1?key=1' }],
    [
      'a key with a space',
      { ...MODEL, [URL_NAME]: 'https://api.example.com/v1', COUNTERSIGN_PROVIDER_KEY: 'a b' },
    ],
  ])('are refused with %s', (_what, env) => {
    expect(() => provider({ ...env, ...LIVE })).toThrow('COUNTERSIGN_PROVIDER');
  });
});
