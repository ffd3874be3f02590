import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from '../workspace';

/** Paths of the handwritten Markdown files, relative to the root. */
export const DOCUMENTS = [
  '.',
  '.github',
  'docs',
  ...readdirSync(join(ROOT, 'packages')).map((name) => join('packages', name)),
]
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((file) => join(folder, file)))
  .filter((path) => path.endsWith('.md') && !/RESULTS|CHANGELOG/.test(path));

export interface CodeBlock {
  /** Document and block number, for messages. */
  location: string;
  language: string;
  code: string;
}

export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Finds the code blocks of a document, in order. A diff counts as two blocks: before and after. */
export function findCodeBlocks(path: string): CodeBlock[] {
  const text = readDocument(path);
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language, code], index) => {
    const block = { location: `${relative('.', path)}, block ${index + 1}`, language: language!, code: code! };
    if (language !== 'diff') return [block];
    return ['-', '+'].map((side) => ({
      ...block,
      location: `${block.location}, ${side}`,
      language: 'ts',
      code: findSide(code!, side),
    }));
  });
}

function findSide(diff: string, side: string): string {
  const lines = diff.split('\n').filter((line) => line.startsWith(side) || line.startsWith(' '));
  return lines.map((line) => `${line.slice(1)}\n`).join('');
}

/** Finds the anchors that GitHub creates for a document's headings. */
export function findAnchors(path: string): string[] {
  const headings = readDocument(path).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
