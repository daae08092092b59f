import type { ShardChange, ShardContents } from '../../src/adapter-contract/adapter.ts';
import { type KubernetesObject, objectKey } from '../kubernetes/translate-object.ts';
import { createKubernetesView, problemOf } from '../kubernetes/translate-view.ts';
import type { Mistake, ParsedFile } from './documents.ts';

/** Text with its contents. */
export interface ReadText {
  readonly parsed: ParsedFile;
}

/** Merged objects of several texts, such as the files of a directory. */
export interface Mesh {
  /** Applies the current texts, by name, in order of precedence. Returns the changes since the last call, and all current mistakes. */
  update(files: ReadonlyMap<string, ReadText>): {
    readonly changes: readonly ShardChange[];
    readonly mistakes: readonly Mistake[];
  };
}

export function createMesh(domainSuffix: string): Mesh {
  const view = createKubernetesView({ domainSuffix, cluster: '', network: '' });
  let current: ReadonlyMap<string, KubernetesObject> = new Map();
  /** Problems of objects that the view rejected, wholly or in part; they are offered again only when they change. */
  const refused = new Map<string, Mistake>();

  function put(key: string, object: KubernetesObject): void {
    const message = problemOf(view.put(object));
    if (message === null) refused.delete(key);
    else refused.set(key, { origin: object.origin, message });
  }

  return {
    update(files) {
      const { objects, mistakes } = join(files);
      for (const [key, object] of current) {
        if (objects.has(key)) continue;
        refused.delete(key);
        view.remove(object);
      }
      for (const [key, object] of objects) if (current.get(key) !== object) put(key, object);
      current = objects;
      return { changes: view.takeChanges(), mistakes: [...mistakes, ...oncePerKind(refused, current)] };
    },
  };
}

/** Merges objects. Of two objects with one name the first applies, in the order of paths. */
function join(files: ReadonlyMap<string, ReadText>) {
  const objects = new Map<string, KubernetesObject>();
  const mistakes: Mistake[] = [];
  for (const { parsed } of files.values()) {
    mistakes.push(...parsed.mistakes);
    for (const object of parsed.objects) {
      const key = `${groupOf(object)}/${objectKey(object)}`;
      const first = objects.get(key);
      if (first === undefined) objects.set(key, object);
      else {
        const message = `${objectKey(object)} is defined in ${first.origin} already, which applies; remove one of them`;
        mistakes.push({ origin: object.origin, message });
      }
    }
  }
  return { objects, mistakes };
}

const groupOf = ({ apiVersion }: KubernetesObject): string => apiVersion.split('/').slice(0, -1).join('/');

/** Reports a kind that is not read only once, regardless of the number of its objects. */
function oncePerKind(
  refused: ReadonlyMap<string, Mistake>,
  objects: ReadonlyMap<string, KubernetesObject>,
): readonly Mistake[] {
  const reported = new Set<string>();
  return [...refused].flatMap(([key, mistake]) => {
    const kind = objects.get(key)?.kind ?? '';
    const text = `${kind}: ${mistake.message}`;
    if (mistake.message.includes(`objects of kind ${kind} are not read`) && reported.has(text)) return [];
    reported.add(text);
    return [mistake];
  });
}

/** Converts changes from an empty state to a full listing. */
export function listing(changes: readonly ShardChange[]): ShardContents {
  return {
    services: changes.flatMap((change) => (change.type === 'service' ? [change.service] : [])),
    endpoints: changes.flatMap((change) => (change.type === 'endpoints' ? [change.set] : [])),
    workloads: changes.flatMap((change) => (change.type === 'workload' ? [change.workload] : [])),
    objects: changes.flatMap((change) => (change.type === 'object' ? [change.object] : [])),
  };
}
