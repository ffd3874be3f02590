import { parseOptions, USAGE, UsageError, removeCredentials } from '../src/options';

describe('the options', () => {
  it('have defaults', () => {
    expect(parseOptions([])).toEqual({
      size: 24,
      library: 'node-redis',
      workerLibrary: 'node-redis',
      temporalNamespace: 'default',
      keep: false,
      help: false,
    });
  });

  it('are read from the command line', () => {
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

  it('give the worker the same library unless it is to have another', () => {
    expect(parseOptions(['--library', 'ioredis'])).toMatchObject({ library: 'ioredis', workerLibrary: 'ioredis' });
  });

  it.each([
    ['a size that is no number', ['--size', 'big'], "--size must be a whole number of MB from 3 to 40, got 'big'"],
    ['an empty size', ['--size='], "--size must be a whole number of MB from 3 to 40, got ''"],
    ['a fraction', ['--size', '4.5'], "got '4.5'"],
    ['a size that is too small', ['--size', '2'], "got '2'"],
    ['a size that is too large', ['--size', '41'], "got '41'"],
    [
      'a URL of something else',
      ['--redis-url', 'http://localhost'],
      "--redis-url must be a redis:// or rediss:// URL, got 'http://localhost'",
    ],
    [
      'no URL',
      ['--redis-url', 'localhost:6379'],
      "--redis-url must be a redis:// or rediss:// URL, got 'localhost:6379'",
    ],
    [
      'an address without a port',
      ['--temporal-address', 'localhost'],
      "--temporal-address must be host:port, got 'localhost'",
    ],
    ['an address with a port beyond all', ['--temporal-address', 'localhost:70000'], "got 'localhost:70000'"],
    ['a URL as address', ['--temporal-address', 'http://localhost:7233'], "got 'http://localhost:7233'"],
    [
      'an empty namespace',
      ['--temporal-address', 'localhost:7233', '--temporal-namespace='],
      "--temporal-namespace must be a name, got ''",
    ],
    [
      'a namespace without an address',
      ['--temporal-namespace', 'shop'],
      "--temporal-namespace needs --temporal-address beside it, got only 'shop'",
    ],
    ['an unknown library', ['--library', 'redis'], "--library must be node-redis, ioredis, upstash, got 'redis'"],
    [
      'an unknown library of the worker',
      ['--worker-library', ''],
      "--worker-library must be node-redis, ioredis, upstash, got ''",
    ],
    [
      'to keep what is not ours',
      ['--keep', '--redis-url', 'redis://h', '--temporal-address', 'h:1'],
      '--keep has nothing to keep',
    ],
    ['an unknown option', ['--sise', '3'], "Unknown option '--sise'"],
    ['a stray argument', ['3'], "Unexpected argument '3'"],
  ])('refuse %s', (_title, args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
  });

  it.each([
    ['of a wrong URL', ['--redis-url', 'redis:://user:secret@host']],
    ['of a URL of another scheme', ['--redis-url', 'http://user:sec@secret@host/?password=secret']],
    ['of a URL whose password has a slash', ['--redis-url', 'redis://user:sec/secret@:1']],
    ['of a stray URL', ['redis://user:secret@host']],
  ])('do not tell the password %s', (_title, args) => {
    expect(() => parseOptions(args)).toThrow(/^(?!.*secret)/s);
    expect(() => parseOptions(args)).toThrow(/host|:1/);
  });

  it('fit a help text of 80 columns, which names each of them', () => {
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

describe('a URL without its credentials', () => {
  it.each([
    ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
    ['redis://:secret@host:6379/1', 'redis://***@host:6379/1'],
    ['rediss://user:s@cret@host?token=secret', 'rediss://***@host'],
  ])('of %s is %s', (url, shown) => {
    expect(removeCredentials(url)).toBe(shown);
  });
});
