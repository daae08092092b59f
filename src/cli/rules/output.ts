/** Formats aligned columns, three spaces apart, without trailing spaces. */
export function tableText(rows: readonly (readonly string[])[], widths = columnWidths(rows)): string {
  return rows.map((row) => `${rowText(row, widths)}\n`).join('');
}

/** Computes the width of each column. */
export function columnWidths(rows: readonly (readonly string[])[]): readonly number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return widths;
}

/** Replaces control characters in foreign text, which a terminal would interpret. Line ends become spaces. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression finds control characters
  return text.replaceAll(/\s*[\r\n]\s*/g, ' ').replaceAll(/[\x00-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** Formats JSON or YAML with a final line end. */
export async function documentText(value: unknown, format: 'json' | 'yaml'): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  const { stringify } = await import('yaml');
  // YAML 1.1 readers parse `yes` and `1_000` as other types than text, so they are quoted.
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' });
}

const rowText = (row: readonly string[], widths: readonly number[]): string =>
  row
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('   ')
    .trimEnd();
