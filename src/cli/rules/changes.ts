import { fieldPath } from '../../lib/field-path.ts';
import { isMap } from './answer.ts';

type Json = Readonly<Record<string, unknown>>;

/** What servers write into metadata: no part of what an author says. */
const serversOwn = ['resourceVersion', 'generation', 'uid', 'creationTimestamp', 'managedFields', 'selfLink'];

/** An object as its author means it: without status, and without what the server writes. */
export function withoutServerFields(object: Json): Json {
  const { status: _, metadata, ...rest } = object;
  if (!isMap(metadata)) return rest;
  const own = Object.entries(metadata).filter(([key]) => !serversOwn.includes(key));
  const { apiVersion, kind, ...others } = rest;
  return { apiVersion, kind, metadata: withoutLastApplied(Object.fromEntries(own)), ...others };
}

/** kubectl's note of what it applied last, which `apply` keeps as it is. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function withoutLastApplied(metadata: Json): Json {
  const { annotations, ...others } = metadata;
  if (!isMap(annotations) || annotations[lastApplied] === undefined) return metadata;
  const { [lastApplied]: _, ...kept } = annotations;
  return Object.keys(kept).length === 0 ? { ...others, annotations: {} } : { ...others, annotations: kept };
}

/** The value with the fields of its maps in the order that `model` has them in; those that it lacks come last. */
export function inOrderOf(value: unknown, model: unknown): unknown {
  if (Array.isArray(value)) {
    const models = Array.isArray(model) ? model : [];
    return value.map((item, index) => inOrderOf(item, models[index]));
  }
  if (!isMap(value)) return value;
  const known = isMap(model) ? model : {};
  const keys = [
    ...Object.keys(known).filter((key) => key in value),
    ...Object.keys(value).filter((key) => !(key in known)),
  ];
  return Object.fromEntries(keys.map((key) => [key, inOrderOf(value[key], known[key])]));
}

/** The paths of what is different, in the order of `after`, then what is gone. Lists of other lengths are one path. */
export function changedPaths(before: unknown, after: unknown): readonly string[] {
  const paths: string[] = [];
  compare(before, after, [], (path) => paths.push(fieldPath('', path)));
  return paths;
}

type Path = readonly PropertyKey[];

function compare(before: unknown, after: unknown, path: Path, found: (path: Path) => void): void {
  if (isMap(before) && isMap(after)) {
    for (const key of new Set([...Object.keys(after), ...Object.keys(before)])) {
      compare(before[key], after[key], [...path, key], found);
    }
  } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (const [index, item] of after.entries()) compare(before[index], item, [...path, index], found);
  } else if (JSON.stringify(before) !== JSON.stringify(after)) found(path);
}
