import { parseReply } from '../src/resp2';

const toBytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('parseReply', () => {
  it('reads an integer', () => {
    expect(parseReply(toBytes(':1\r\n'))).toBe(1);
    expect(parseReply(toBytes(':-12\r\n'))).toBe(-12);
  });

  it('reads any bytes', () => {
    const content = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const reply = parseReply(Buffer.concat([toBytes('$256\r\n'), content, toBytes('\r\n')]));
    expect(Buffer.from(reply as Uint8Array)).toEqual(content);
    expect(parseReply(toBytes('$0\r\n\r\n'))).toHaveLength(0);
  });

  it('reads both forms of null', () => {
    expect(parseReply(toBytes('$-1\r\n'))).toBeNull();
    expect(parseReply(toBytes('*-1\r\n'))).toBeNull();
  });

  it.each([
    '',
    '$5\r\nhell',
    '$5\r\nhello',
    '$5\r\nhello\r',
    '$5\r\nhello!\r\n',
    '$5\r\nhello\r\n$5\r\nhello\r\n',
    '$5\r\nhello\n\r',
    '$-1\r\n ',
    '$-2\r\n',
    '$x\r\n',
    '$5',
    ':1',
    ':1\n',
    ':1\r\n:1\r\n',
    ':1.5\r\n',
    '*1\r\n:1\r\n',
    '*0\r\n',
    '+OK\r\n',
    '{"result":"hello"}',
    'hello',
  ])('refuses %j, with an error that does not contain it', (text) => {
    expect(() => parseReply(toBytes(text))).toThrow(/^Upstash's response can't be parsed: (?!.*hello)/);
  });
});
