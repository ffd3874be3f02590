import { ExternalStorage, ValueError } from '@temporalio/common';
import { createPayloadHandler } from '../src';

const codec = { encode: async () => [], decode: async () => [] };

function create(options: object): () => unknown {
  return () => createPayloadHandler({ dataConverter: { payloadCodecs: [codec] }, ...options });
}

describe('createPayloadHandler', () => {
  it.each<[string, object, RegExp]>([
    ['no data converter', { dataConverter: undefined }, /^dataConverter has neither/],
    [
      'a data converter without codecs or storage',
      { dataConverter: { payloadCodecs: [] } },
      /^dataConverter has neither/,
    ],
    [
      'drivers in the place of an ExternalStorage',
      { dataConverter: { externalStorage: [] } },
      /^dataConverter\.externalStorage/,
    ],
    [
      'a codec in the place of a list',
      { dataConverter: { externalStorage: undefined, payloadCodecs: { length: 1 } } },
      /^dataConverter\.payloadCodecs/,
    ],
    [
      'an origin in the place of a list',
      { allowedOrigins: 'http://localhost:8233' },
      /^allowedOrigins must be an array, got string/,
    ],
    ['any origin', { allowedOrigins: ['*'] }, /^allowedOrigins must name origins .* got '\*'/],
    ['the origin null', { allowedOrigins: ['null'] }, /^allowedOrigins must name origins .* got 'null'/],
    [
      'an origin with a slash',
      { allowedOrigins: ['http://localhost:8233/'] },
      /^allowedOrigins must name 'http:\/\/localhost:8233', got/,
    ],
    [
      'an origin with a default port',
      { allowedOrigins: ['https://a.example:443'] },
      /^allowedOrigins must name 'https:\/\/a\.example', got/,
    ],
    ['an origin that is a number', { allowedOrigins: [1] }, /^allowedOrigins must name origins .* got 1/],
    [
      'an origin that is undefined',
      { allowedOrigins: [undefined] },
      /^allowedOrigins must name origins .* got undefined/,
    ],
    ['a size of zero', { maxRequestBytes: 0 }, /^maxRequestBytes must be .* got 0/],
    ['a size that is a fraction', { maxRequestBytes: 1.5 }, /^maxRequestBytes must be .* got 1\.5/],
    ['a size with a unit', { maxResponseBytes: '5 MB' }, /^maxResponseBytes must be .* got '5 MB'/],
    ['a token in the place of authorize', { authorize: 'token' }, /^authorize must be a function, got string/],
    ['null for authorizeReference', { authorizeReference: null }, /^authorizeReference must be a function/],
    ['a logger for onError', { onError: {} }, /^onError must be a function/],
  ])('names the option that got %s', (_title, options, message) => {
    expect(create(options)).toThrow(ValueError);
    expect(create(options)).toThrow(message);
  });

  it('takes the data converter of a client and no further options', () => {
    const driver = { name: 'a', type: 'a', store: async () => [], retrieve: async () => [] };
    expect(create({ dataConverter: { externalStorage: new ExternalStorage({ drivers: [driver] }) } })).not.toThrow();
  });
});
