const GAP = '  ';

/** Rows in aligned columns, for people. Columns whose every cell is a number (`12`, `1.5 MiB`) are aligned to the right. */
export function formatTable(header: string[], rows: string[][]): string {
  const table = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const right = header.map((_, column) => rows.length > 0 && rows.every((row) => /^[\d-]/.test(row[column] ?? '')));
  return table
    .map((row) =>
      row.map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))),
    )
    .map((row) => row.join(GAP).trimEnd())
    .join('\n');
}
