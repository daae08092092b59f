import { assertNever } from '../../lib/assert-never.ts';
import type { CommandContext } from '../command.ts';
import { isMap, text } from './answer.ts';
import type { ApiClient } from './client.ts';
import { displayName, type ServedKind } from './kinds.ts';
import { columnWidths, documentText, tableText } from './output.ts';
import { type CellOptions, cellRow, headRow, readTable, type ServerColumn } from './table.ts';

export type WatchFormat = 'table' | 'wide' | 'yaml' | 'json' | 'name';

export interface PrintedEvent {
  /**
   * Event type of Kubernetes, or `LIST`: a complete list, whose new items follow as `ADDED` and changed ones as
   * `MODIFIED`.
   */
  readonly type: string;
  /** Object, or a table of one row. */
  readonly object: Record<string, unknown>;
}

export interface WatchPrinterOptions {
  readonly client: ApiClient;
  readonly kind: ServedKind;
  readonly namespace: string | null;
  readonly format: WatchFormat;
  readonly context: CommandContext;
}

/** Prints events in one of the formats; JSON has one event per line. */
export function createWatchPrinter(options: WatchPrinterOptions): (event: PrintedEvent) => Promise<void> {
  const { format, context, kind } = options;
  switch (format) {
    case 'table':
    case 'wide':
      return tablePrinter(options, format === 'wide');
    case 'json':
      return async (event) => {
        if (event.type !== 'LIST') context.print(`${JSON.stringify(event)}\n`);
      };
    case 'yaml':
      return async ({ type, object }) => {
        if (type !== 'LIST') context.print(`---\n# ${type}\n${await documentText(object, 'yaml')}`);
      };
    case 'name':
      return async ({ type, object }) => {
        const name = isMap(object.metadata) ? text(object.metadata.name) : '';
        if (type !== 'LIST') context.print(`${type} ${displayName(kind, name)}\n`);
      };
    default:
      return assertNever(format);
  }
}

function tablePrinter({ client, kind, namespace, context }: WatchPrinterOptions, wide: boolean) {
  const rowOptions: CellOptions = {
    wide,
    withNamespace: namespace === null && kind.namespaced,
    nameOf: (name) => name,
  };
  let columns: readonly ServerColumn[] = [];
  let widths: readonly number[] = [];
  const printRow = (row: readonly string[]) => {
    widths = row.map((cell, index) => Math.max(cell.length, widths[index] ?? 0));
    context.print(tableText([row], widths));
  };
  return async ({ type, object }: PrintedEvent) => {
    if (type === 'LIST' && columns.length > 0) return; // the head is printed already
    const table = readTable(object, client);
    if (table.columns.length > 0) columns = table.columns;
    const rows = table.rows.map((row) => [type, ...cellRow(row, columns, rowOptions)]);
    if (type !== 'LIST') {
      for (const row of rows) printRow(row);
      return;
    }
    const head = ['EVENT', ...headRow(columns, rowOptions)];
    widths = columnWidths([head, ['MODIFIED'], ...rows]);
    printRow(head);
  };
}
