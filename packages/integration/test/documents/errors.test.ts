import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { PUBLISHED, ROOT } from '../workspace';
import { readDocument } from './documents';

/** All packages but the command line, whose messages are for the person who sees them at once. */
const SOURCES = PUBLISHED.filter((name) => name !== 'cli').flatMap((name) => {
  const folder = join(ROOT, 'packages', name, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('testing/'))
    .map((file) => join(folder, file));
});

/** Reads the fixed parts of each error message in a source file. */
function readMessages(path: string): string[][] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true);
  const messages: string[][] = [];
  const visit = (node: ts.Node): void => {
    const called = ts.isNewExpression(node) || ts.isCallExpression(node) ? node : undefined;
    if (called && /^([A-Z]\w*)?Error$|\.nonRetryable$/.test(called.expression.getText())) {
      const parts = called.arguments?.[0] ? findTexts(called.arguments[0]).filter(hasWords) : [];
      messages.push(parts.length > 0 ? parts : [called.getText()]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return messages;
}

/** Whether a text is more than the punctuation around an inserted value. */
function hasWords(text: string): boolean {
  return text.trim().length > 5;
}

function findTexts(node: ts.Node): string[] {
  if (ts.isIdentifier(node)) return resolveConstant(node);
  if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
    return [node.text];
  }
  const texts: string[] = [];
  ts.forEachChild(node, (child) => void texts.push(...findTexts(child)));
  return texts;
}

/** Returns the texts of a constant in the same file. */
function resolveConstant(identifier: ts.Identifier): string[] {
  let texts: string[] = [];
  const visit = (node: ts.Node): void => {
    const initializer = ts.isVariableDeclaration(node) && node.name.getText() === identifier.text && node.initializer;
    if (initializer && (ts.isStringLiteralLike(initializer) || ts.isTemplateExpression(initializer)))
      texts = findTexts(initializer);
    else ts.forEachChild(node, visit);
  };
  visit(identifier.getSourceFile());
  return texts;
}

/** The fixed parts of the messages in the first cells of tables. */
function readTables(text: string): string[] {
  return [...text.matchAll(/^\| (`.*?) +\|/gm)]
    .flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)])
    .flatMap(([, message]) => message!.split('…').map((part) => part.trim()))
    .filter(hasWords);
}

const TEXT = readDocument('docs/errors.md');

const DOCUMENTED = readTables(TEXT);

const MESSAGES = SOURCES.flatMap(readMessages);

function isIn(text: string, other: string): boolean {
  return text.includes(other) || other.includes(text);
}

it('every message that the documents give as ours is in the sources', () => {
  const [ours] = TEXT.split("## Upstash's refusals");
  const messages = readTables(ours!);
  expect(messages.length).toBeGreaterThan(25);
  // A name is what an error is printed with.
  const texts = messages.map((message) => message.replace(/^\w+Error(: ?|$)/, '')).filter(hasWords);
  const stale = texts.filter((text) => !MESSAGES.flat().some((part) => isIn(text, part.trim())));
  expect(stale).toEqual([]);
});

it('every error that the sources create is in the documents, by a part of its text', () => {
  expect(MESSAGES.length).toBeGreaterThan(30);
  const missing = MESSAGES.filter((parts) => !DOCUMENTED.some((text) => parts.some((part) => isIn(part.trim(), text))));
  expect(missing).toEqual([]);
});
