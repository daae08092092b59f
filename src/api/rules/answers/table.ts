import type { RuleColumn, RuleKind } from '../../../rules/rule.ts';
import type { StoredObject } from '../../../rules/store.ts';
import { definedInAnnotation } from '../objects/adapter-objects.ts';
import type { IncludeObject } from './negotiate.ts';

/** Object as served: in the version of the URL, with a status if its kind has one. */
export interface ServedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: StoredObject['metadata'];
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** Table of Kubernetes: https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#table-v1-meta */
export interface ObjectTable {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly columnDefinitions: readonly TableColumn[];
  readonly rows: readonly TableRow[];
}

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** Priority: 0 is always shown, 1 only with `-o wide`. */
  readonly priority: 0 | 1;
}

export interface TableRow {
  /** Cells, one for each column. */
  readonly cells: readonly Cell[];
  readonly object?: unknown;
}

type Cell = string | number | boolean;

export interface RowOptions {
  readonly includeObject: IncludeObject;
  /** Current time in milliseconds since the epoch, for ages. */
  readonly nowMs: number;
}

/**
 * Builds a table of objects of one kind. `metadata` belongs to the list, or is the `resourceVersion` of a single
 * object.
 */
export function objectTable(
  kind: RuleKind,
  objects: readonly ServedObject[],
  { metadata, ...options }: RowOptions & { readonly metadata: Readonly<Record<string, unknown>> },
): ObjectTable {
  return { ...tableHead(kind, metadata), rows: objects.map((object) => tableRow(kind, object, options)) };
}

/** Builds a table without rows. */
export const tableHead = (kind: RuleKind, metadata: Readonly<Record<string, unknown>>): Omit<ObjectTable, 'rows'> => ({
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
  columnDefinitions: tableColumns(kind),
});

/** Lists the columns of a kind: name, columns of its spec, columns of its status, age. */
function tableColumns(kind: RuleKind): readonly TableColumn[] {
  return columnsOf(kind).map(({ name, type, about, wide = false }, index) => ({
    name,
    type,
    format: index === 0 ? 'name' : '',
    description: about,
    priority: wide ? 1 : 0,
  }));
}

/** Builds the row of an object. A missing value is an empty cell. */
export function tableRow(kind: RuleKind, object: ServedObject, { includeObject, nowMs }: RowOptions): TableRow {
  const cells = columnsOf(kind).map(({ type, cell }) => {
    const value = cell(object);
    if (type === 'date') return typeof value === 'string' ? ageOf(nowMs - Date.parse(value)) : '';
    return value ?? '';
  });
  switch (includeObject) {
    case 'None':
      return { cells };
    case 'Metadata':
      return {
        cells,
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
      };
    default:
      return { cells, object };
  }
}

interface Column extends Omit<RuleColumn, 'value'> {
  readonly cell: (object: ServedObject) => Cell | null;
}

const columnsByKind = new WeakMap<RuleKind, readonly Column[]>();

function columnsOf(kind: RuleKind): readonly Column[] {
  const known = columnsByKind.get(kind);
  if (known !== undefined) return known;
  const own = kind.columns.map(({ value, ...column }) => ({
    ...column,
    cell: ({ spec }: ServedObject) => value((spec ?? {}) as Readonly<Record<string, unknown>>), // a stored spec is a map
  }));
  const columns = [name, ...own, ...(kind.group === '' ? [] : ruleState), age];
  columnsByKind.set(kind, columns);
  return columns;
}

const name: Column = { name: 'Name', type: 'string', about: 'its name', cell: ({ metadata }) => metadata.name };

const age: Column = {
  name: 'Age',
  type: 'date',
  about: 'time since it was created',
  cell: ({ metadata }) => metadata.creationTimestamp,
};

/** Columns of a rule's status. */
const ruleState: readonly Column[] = [
  {
    name: 'Programmed',
    type: 'string',
    about: 'whether every proxy that it concerns has acknowledged it',
    cell: ({ status }) => programmed(status)?.status ?? null,
  },
  {
    name: 'Reason',
    type: 'string',
    about: 'why it is programmed or not',
    wide: true,
    cell: ({ status }) => programmed(status)?.reason ?? null,
  },
  {
    name: 'Proxies',
    type: 'string',
    about: 'how many proxies have acknowledged it, of those that it concerns',
    wide: true,
    cell: ({ status }) => {
      const { proxies } = statusOf(status);
      return proxies === undefined ? null : `${proxies.acknowledged}/${proxies.concerned}`;
    },
  },
  {
    name: 'Defined in',
    type: 'string',
    about: 'the file and document that it is changed in; nothing for one that was written over HTTP',
    wide: true,
    cell: ({ metadata }) => metadata.annotations[definedInAnnotation] ?? null,
  },
];

interface ServedRuleStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  readonly proxies?: { readonly acknowledged: number; readonly concerned: number };
}

/** Casts a served status. It belongs to a rule, or to a namespace, whose status has none of these fields. */
const statusOf = (status: unknown): ServedRuleStatus => (status ?? {}) as ServedRuleStatus;

const programmed = (status: unknown) => statusOf(status).conditions?.find(({ type }) => type === 'Programmed');

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const yearMs = 365 * dayMs;

/** Units of ages, by upper limit. The second unit is written only while the first is small. */
const ageSteps = [
  { belowMs: 2 * minuteMs, unit: [secondMs, 's'], rest: null },
  { belowMs: 10 * minuteMs, unit: [minuteMs, 'm'], rest: [secondMs, 's'] },
  { belowMs: 3 * hourMs, unit: [minuteMs, 'm'], rest: null },
  { belowMs: 8 * hourMs, unit: [hourMs, 'h'], rest: [minuteMs, 'm'] },
  { belowMs: 48 * hourMs, unit: [hourMs, 'h'], rest: null },
  { belowMs: 8 * dayMs, unit: [dayMs, 'd'], rest: [hourMs, 'h'] },
  { belowMs: 2 * yearMs, unit: [dayMs, 'd'], rest: null },
  { belowMs: 8 * yearMs, unit: [yearMs, 'y'], rest: [dayMs, 'd'] },
  { belowMs: Number.POSITIVE_INFINITY, unit: [yearMs, 'y'], rest: null },
] as const;

/**
 * Formats an age as Kubernetes does: `90s`, `3m20s`, `5d`. Because clocks differ, a time up to two seconds in the
 * future is `0s`; a later one is `<invalid>`. https://pkg.go.dev/k8s.io/apimachinery/pkg/util/duration#HumanDuration
 */
export function ageOf(ms: number): string {
  if (Number.isNaN(ms)) return '<unknown>';
  if (ms <= -2 * secondMs) return '<invalid>';
  const age = Math.max(0, ms);
  const step = ageSteps.find(({ belowMs }) => age < belowMs) ?? ageSteps[0];
  const [unitMs, unit] = step.unit;
  const whole = `${Math.floor(age / unitMs)}${unit}`;
  if (step.rest === null) return whole;
  const left = Math.floor((age % unitMs) / step.rest[0]);
  return left === 0 ? whole : `${whole}${left}${step.rest[1]}`;
}
