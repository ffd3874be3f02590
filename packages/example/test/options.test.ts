import { parseOptions, USAGE, UsageError, removeCredentials } from '../src/options';

describe('parseOptions', () => {
  it('returns the defaults without arguments', () => {
    expect(parseOptions([])).toEqual({
      size: 24,
      library: 'node-redis',
      workerLibrary: 'node-redis',
      temporalNamespace: 'default',
      keep: false,
      help: false,
    });
  });

  it('reads every option from the command line', () => {
    const servers = ['--redis-url', 'rediss://redis.example.com:6380/2', '--temporal-address', 'localhost:7233'];
    const libraries = ['--library', 'upstash', '--worker-library', 'ioredis'];
    expect(parseOptions(['--size', '3', ...servers, '--temporal-namespace=shop', ...libraries])).toEqual({
      size: 3,
      library: 'upstash',
      workerLibrary: 'ioredis',
      redisUrl: 'rediss://redis.example.com:6380/2',
      temporalAddress: 'localhost:7233',
      temporalNamespace: 'shop',
      keep: false,
      help: false,
    });
    expect(parseOptions(['--keep'])).toMatchObject({ keep: true });
    expect(parseOptions(['--help'])).toMatchObject({ help: true });
  });

  it("defaults the worker's library to the client's library", () => {
    expect(parseOptions(['--library', 'ioredis'])).toMatchObject({ library: 'ioredis', workerLibrary: 'ioredis' });
  });

  it.each([
    ['a size that is not a number', ['--size', 'big'], "--size must be a whole number of MB from 3 to 40, got 'big'"],
    ['an empty size', ['--size='], "--size must be a whole number of MB from 3 to 40, got ''"],
    ['a size that is a fraction', ['--size', '4.5'], "got '4.5'"],
    ['a size that is too small', ['--size', '2'], "got '2'"],
    ['a size that is too large', ['--size', '41'], "got '41'"],
    [
      'a URL with another scheme',
      ['--redis-url', 'http://localhost'],
      "--redis-url must be a redis:// or rediss:// URL, got 'http://localhost'",
    ],
    [
      'a Redis address that is not a URL',
      ['--redis-url', 'localhost:6379'],
      "--redis-url must be a redis:// or rediss:// URL, got 'localhost:6379'",
    ],
    [
      'an address without a port',
      ['--temporal-address', 'localhost'],
      "--temporal-address must be host:port, got 'localhost'",
    ],
    ['an address with a port out of range', ['--temporal-address', 'localhost:70000'], "got 'localhost:70000'"],
    ['an address that is a URL', ['--temporal-address', 'http://localhost:7233'], "got 'http://localhost:7233'"],
    [
      'an empty namespace',
      ['--temporal-address', 'localhost:7233', '--temporal-namespace='],
      "--temporal-namespace must be a name, got ''",
    ],
    [
      'a namespace without an address',
      ['--temporal-namespace', 'shop'],
      "--temporal-namespace requires --temporal-address, got only 'shop'",
    ],
    ['an unknown library', ['--library', 'redis'], "--library must be node-redis, ioredis, upstash, got 'redis'"],
    [
      'an empty library of the worker',
      ['--worker-library', ''],
      "--worker-library must be node-redis, ioredis, upstash, got ''",
    ],
    [
      '--keep when the user provides both servers',
      ['--keep', '--redis-url', 'redis://h', '--temporal-address', 'h:1'],
      '--keep has no effect',
    ],
    ['an unknown option', ['--sise', '3'], "Unknown option '--sise'"],
    ['a stray argument', ['3'], "Unexpected argument '3'"],
  ])('rejects %s', (_title, args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
  });

  it.each([
    ['a malformed URL', ['--redis-url', 'redis:://user:secret@host']],
    ['a URL with another scheme', ['--redis-url', 'http://user:sec@secret@host/?password=secret']],
    ['a URL whose password has a slash', ['--redis-url', 'redis://user:sec/secret@:1']],
    ['a URL as an unexpected argument', ['redis://user:secret@host']],
  ])('hides the password in the error for %s', (_title, args) => {
    expect(() => parseOptions(args)).toThrow(/^(?!.*secret)/s);
    expect(() => parseOptions(args)).toThrow(/host|:1/);
  });

  it('has a help text of at most 80 columns that names every option', () => {
    expect(Math.max(...USAGE.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    for (const name of [
      'size',
      'library',
      'worker-library',
      'redis-url',
      'temporal-address',
      'temporal-namespace',
      'keep',
      'help',
    ]) {
      expect(USAGE).toContain(`--${name} `);
    }
  });
});

describe('removeCredentials', () => {
  it.each([
    ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
    ['redis://:secret@host:6379/1', 'redis://***@host:6379/1'],
    ['rediss://user:s@cret@host?token=secret', 'rediss://***@host'],
  ])('turns %s into %s', (url, expected) => {
    expect(removeCredentials(url)).toBe(expected);
  });
});
