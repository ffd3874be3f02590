import { SyncTokens } from '../src/sync-tokens';

const WRITES = 1000;

describe('SyncTokens', () => {
  it('remembers the token of the latest write of each key', () => {
    const tokens = new SyncTokens();
    tokens.remember('a', 'first');
    tokens.remember('b', 'other');
    tokens.remember('a', 'second');
    expect(['a', 'b', 'c'].map((key) => tokens.get(key))).toEqual(['second', 'other', undefined]);
  });

  it('keeps the tokens of the latest thousand written keys', () => {
    const tokens = new SyncTokens();
    for (let key = 0; key < WRITES; key++) tokens.remember(String(key), 'old');
    tokens.remember('0', 'new');
    tokens.remember('another', 'new');
    expect(['0', '1', '2', 'another'].map((key) => tokens.get(key))).toEqual(['new', undefined, 'old', 'new']);
  });
});
