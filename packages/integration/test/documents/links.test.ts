import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findAnchors, DOCUMENTS, readDocument } from './documents';
import { ROOT } from '../workspace';

/** Base of the absolute links in package READMEs, which are also read on npm. */
const REPOSITORY = 'https://github.com/temporal-redis-storage/temporal-redis-storage/blob/main/';

it.each(DOCUMENTS)('every link from %s into this repository has a target', (path) => {
  const links = [...readDocument(path).matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)].map(
    ([, inline, reference]) => inline ?? reference!,
  );
  const broken = links.filter((link) => {
    if (/^https?:/.test(link) && !link.startsWith(REPOSITORY)) return false;
    const [file, anchor] = link.split('#');
    const target = file?.startsWith(REPOSITORY)
      ? file.slice(REPOSITORY.length)
      : file
        ? join(dirname(path), file)
        : path;
    return !existsSync(join(ROOT, target)) || (anchor !== undefined && !findAnchors(target).includes(anchor));
  });
  expect(broken).toEqual([]);
});
