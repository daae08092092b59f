import { fieldPath } from '../../lib/field-path.ts';
import { isMap } from './answer.ts';

type Json = Readonly<Record<string, unknown>>;

/** Metadata that servers write. */
const serversOwn = ['resourceVersion', 'generation', 'uid', 'creationTimestamp', 'managedFields', 'selfLink'];

/** Removes status and server-written metadata, which leaves the author's part. */
export function withoutServerFields(object: Json): Json {
  const { status: _, metadata, ...rest } = object;
  if (!isMap(metadata)) return rest;
  const own = Object.entries(metadata).filter(([key]) => !serversOwn.includes(key));
  const { apiVersion, kind, ...others } = rest;
  return { apiVersion, kind, metadata: withoutLastApplied(Object.fromEntries(own)), ...others };
}

/** Annotation in which kubectl records the last applied object. `apply` does not change it. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function withoutLastApplied(metadata: Json): Json {
  const { annotations, ...others } = metadata;
  if (!isMap(annotations) || annotations[lastApplied] === undefined) return metadata;
  const { [lastApplied]: _, ...kept } = annotations;
  return Object.keys(kept).length === 0 ? { ...others, annotations: {} } : { ...others, annotations: kept };
}

/** Sorts the fields of maps in the order of `model`; fields that `model` lacks come last. */
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

/**
 * Lists the paths that differ, in the order of `after`, then removed ones. Lists of different lengths count as one
 * path.
 */
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
