import { MeshError } from '../../lib/errors.ts';
import { isMap, text } from './answer.ts';
import type { ApiClient } from './client.ts';
import { plainText } from './output.ts';

/** Media type of a table: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io';

export interface ServerColumn {
  /** Name in capitals. */
  readonly name: string;
  readonly wideOnly: boolean;
}

export interface ServerRow {
  readonly cells: readonly string[];
  readonly namespace: string;
  readonly name: string;
  /** Version of the object. */
  readonly resourceVersion: string;
}

/** List as the server presents it. */
export interface ServerTable {
  /** Columns; empty in later events of a watch, which reuse those of the first. */
  readonly columns: readonly ServerColumn[];
  readonly rows: readonly ServerRow[];
  /** Version of the list. */
  readonly resourceVersion: string;
}

export interface CellOptions {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  /** Formats the object's name in the first column. */
  readonly nameOf: (name: string) => string;
}

/** Reads a table. Throws if the answer is not a table. */
export function readTable(answer: unknown, { server }: Pick<ApiClient, 'server'>): ServerTable {
  if (!isMap(answer) || answer.kind !== 'Table' || !Array.isArray(answer.rows)) {
    throw new MeshError(
      'SERVER_FAILED',
      `${server} does not answer with a table: is it a Binnacle of another release?`,
    );
  }
  const columns = Array.isArray(answer.columnDefinitions) ? answer.columnDefinitions.filter(isMap) : [];
  return {
    columns: columns.map(({ name, priority }) => ({
      name: plainText(text(name)).toUpperCase(),
      wideOnly: typeof priority === 'number' && priority > 0,
    })),
    rows: answer.rows.filter(isMap).map(readRow),
    resourceVersion: isMap(answer.metadata) ? text(answer.metadata.resourceVersion) : '',
  };
}

/** Formats head and rows of tables of one kind. */
export function tableRows(tables: readonly ServerTable[], options: CellOptions): readonly (readonly string[])[] {
  const columns = tables[0]?.columns ?? [];
  return [
    headRow(columns, options),
    ...tables.flatMap(({ rows }) => rows.map((row) => cellRow(row, columns, options))),
  ];
}

export function headRow(columns: readonly ServerColumn[], { wide, withNamespace }: CellOptions): readonly string[] {
  const names = columns.filter(({ wideOnly }) => wide || !wideOnly).map(({ name }) => name);
  return withNamespace ? ['NAMESPACE', ...names] : names;
}

export function cellRow(row: ServerRow, columns: readonly ServerColumn[], options: CellOptions): readonly string[] {
  const { wide, withNamespace, nameOf } = options;
  const cells = row.cells
    .map((cell, index) => (index === 0 ? nameOf(cell) : cell))
    .filter((_, index) => wide || columns[index]?.wideOnly !== true);
  return withNamespace ? [row.namespace, ...cells] : cells;
}

function readRow({ cells, object }: Record<string, unknown>): ServerRow {
  const metadata = isMap(object) && isMap(object.metadata) ? object.metadata : {};
  return {
    cells: Array.isArray(cells) ? cells.map(cellText) : [],
    namespace: plainText(text(metadata.namespace)),
    name: plainText(text(metadata.name)),
    resourceVersion: text(metadata.resourceVersion),
  };
}

const cellText = (cell: unknown): string => (cell === null || cell === undefined ? '' : plainText(String(cell)));
