/** Formats a Markdown table. */
export function formatTable(header: string[], rows: string[][]): string {
  return [formatRow(header), formatRow(header.map(() => '---')), ...rows.map(formatRow)].join('\n');
}

function formatRow(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
