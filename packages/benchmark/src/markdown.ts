/** A table of Markdown. */
export function table(header: string[], rows: string[][]): string {
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function line(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
