import * as fc from 'fast-check';
import { LongStringParser } from '../src/long-strings';
import { readJson } from '../src/request-body';

const MIB = 1024 * 1024;

/** Parses a text that arrives in chunks of these sizes, and puts long strings back where properties have them. */
function parse(text: string, sizes: readonly number[] = []): unknown {
  const parser = new LongStringParser();
  const bytes = Buffer.from(text);
  let start = 0;
  for (const size of sizes) parser.add(bytes.subarray(start, (start += size)));
  parser.add(bytes.subarray(start));
  const restore = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((each) => (typeof each === 'string' ? each : restore(each)));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [
        name,
        typeof each === 'string' ? parser.expand(each).join('') : restore(each),
      ]),
    );
  };
  return restore(parser.parse());
}

const base64 = fc
  .tuple(fc.base64String({ minLength: 4, maxLength: 12 }), fc.nat(800))
  .map(([piece, count]) => piece.repeat(count));
const text = fc.oneof(
  base64,
  fc.string({ unit: 'binary' }),
  fc.tuple(base64, fc.string({ unit: 'binary' }), base64).map((parts) => parts.join('')),
);
const { value: json } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.constantFrom<unknown>(null, true, 1.5e300, -1, ''),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}));
/** Escapes that a writer may use and JSON.stringify doesn't. */
const writers: ((text: string) => string)[] = [
  (each) => each,
  (each) => each.replaceAll('/', '\\/'),
  (each) => each.replaceAll('A', '\\u0041'),
];

describe('LongStringParser', () => {
  it('parses as JSON.parse does, wherever the chunks end', () => {
    fc.assert(
      fc.property(
        json,
        fc.constantFrom(...writers),
        fc.constantFrom(undefined, ' ', '\r\n\t'),
        fc.array(fc.nat(5000), { maxLength: 10 }),
        (value, write, space, sizes) => {
          const written = write(JSON.stringify(value, null, space));
          expect(parse(written, sizes)).toEqual(JSON.parse(written));
        },
      ),
      { numRuns: 500 },
    );
    expect.hasAssertions();
  });

  it('reads escapes, wherever the chunks end', () => {
    const written = `{"\\"\\\\":"\\u0041${'A'.repeat(2000)}","b":"${'A'.repeat(2000)}\\"\\/${'A'.repeat(2000)}\\\\"}`;
    for (let size = 0; size < written.length; size++) expect(parse(written, [size])).toEqual(JSON.parse(written));
  });

  it.each([
    ['a line break in a string', `{"data":"${'A'.repeat(5000)}\n"}`],
    ['a string that never ends', `{"data":"${'A'.repeat(5000)}`],
    ['an escape that is none', `{"data":"\\x${'A'.repeat(5000)}"}`],
    ['a text after the end', `{"data":"${'A'.repeat(5000)}"}"${'A'.repeat(5000)}"`],
    ['a word in the place of a value', `{"data":${'A'.repeat(5000)}}`],
  ])('rejects %s, wherever the chunks end', (_title, content) => {
    for (const size of [1, 9, 10, 11, 4000, content.length - 1])
      expect(() => parse(content, [size])).toThrow(SyntaxError);
  });

  it('takes no mark for one that the text brings along', () => {
    const parser = new LongStringParser();
    parser.add(Buffer.from(`{"data":"${'A'.repeat(5000)}"}`));
    const { data: marked } = parser.parse() as { data: string };
    expect(parse(JSON.stringify({ data: marked, long: 'A'.repeat(5000) }))).toMatchObject({ data: marked });
  });
});

describe('a request body of 50 MiB in base64', () => {
  it('is parsed without any large JSON.parse, while the event loop turns', async () => {
    const data = Buffer.alloc(50 * MIB, 'payload').toString('base64');
    const body = `{"payloads":[{"metadata":{"\\"":""},"data":"${data}"}]}`;
    const parsed = jest.spyOn(JSON, 'parse');
    let turns = 0;
    let isReading = true;
    const countTurns = (): void => {
      turns++;
      if (isReading) setImmediate(countTurns);
    };
    setImmediate(countTurns);
    const request = new Request('http://localhost/decode', { method: 'POST', body });
    const { value, expand } = await readJson(request, 100 * MIB);
    isReading = false;
    const lengths = parsed.mock.calls.map(([each]) => each.length);
    parsed.mockRestore();
    expect(Math.max(...lengths)).toBeLessThan(MIB);
    // Where nothing pauses, a body in memory is read within one or two turns.
    expect(turns).toBeGreaterThan(5);
    const pieces = expand((value as { payloads: { data: string }[] }).payloads[0]!.data);
    expect(pieces.join('') === data).toBe(true);
  });
});
