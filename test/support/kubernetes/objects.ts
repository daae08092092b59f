import { eventually } from '../eventually.ts';
import { type ApiClient, ApiError } from './api-client.ts';

/** A Kubernetes object, as far as requests need it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** An object of which only the name is used. */
export type ObjectName = Pick<KubernetesObject, 'apiVersion' | 'kind'> & {
  readonly metadata: { readonly name: string; readonly namespace?: string };
};

/** Reads and writes objects of any kind that the API server has, as an administrator. Every function rejects on errors. */
export interface Objects {
  /**
   * Applies objects one after the other by server-side apply, with force. If an object has a `status`, it is applied
   * too, as a controller does.
   */
  apply(...objects: readonly KubernetesObject[]): Promise<readonly KubernetesObject[]>;
  create(object: KubernetesObject): Promise<KubernetesObject>;
  /** Replaces an object. It has to have the resource version of the one it replaces, or none. */
  replace(object: KubernetesObject): Promise<KubernetesObject>;
  /** Changes an object by a JSON merge patch (RFC 7386). */
  patch(name: ObjectName, patch: object): Promise<KubernetesObject>;
  /** Changes an object's status by a JSON merge patch of the whole object, as the status subresource does. */
  patchStatus(name: ObjectName, status: object): Promise<KubernetesObject>;
  /**
   * Deletes an object, at once unless a grace period is given. It is no error if it does not exist. Namespaces stay,
   * as their controller is missing.
   */
  remove(name: ObjectName, options?: { readonly graceSeconds?: number }): Promise<void>;
  /** Returns an object, or null if there is none. */
  get(name: ObjectName): Promise<KubernetesObject | null>;
  /** Lists the objects of a kind in a namespace, or in all. */
  list(kind: { apiVersion: string; kind: string }, namespace?: string): Promise<readonly KubernetesObject[]>;
  /** Returns the path of an object; without a name, that of its kind's list. */
  path(object: { apiVersion: string; kind: string; metadata?: { name?: string; namespace?: string } }): Promise<string>;
}

const fieldManager = 'tests';

export function objectsOf(client: ApiClient): Objects {
  const kinds = new Map<string, Promise<Kind>>();

  async function kindOf(apiVersion: string, kind: string): Promise<Kind> {
    const key = `${apiVersion}/${kind}`;
    const known = kinds.get(key) ?? discover(client, apiVersion, kind);
    kinds.set(key, known);
    known.catch(() => kinds.delete(key)); // a definition may come later
    return known;
  }
  const path: Objects['path'] = async ({ apiVersion, kind, metadata: { name, namespace } = {} }) => {
    const { plural, namespaced } = await kindOf(apiVersion, kind);
    const scope = namespaced && namespace !== undefined ? `/namespaces/${namespace}` : '';
    if (namespaced && name !== undefined && scope === '') throw new Error(`${kind} ${name} has no namespace`);
    return `${rootOf(apiVersion)}${scope}/${plural}${name === undefined ? '' : `/${name}`}`;
  };
  const ask = async (at: string, method: string, body: unknown, contentType?: string) =>
    (await client.ask(at, {
      method,
      body,
      ...(contentType === undefined ? {} : { contentType }),
    })) as KubernetesObject; // the server answers writes with the object
  const applyAt = (at: string, object: object) =>
    ask(`${at}?fieldManager=${fieldManager}&force=true`, 'PATCH', object, 'application/apply-patch+yaml');

  async function applyOne(object: KubernetesObject): Promise<KubernetesObject> {
    const at = await path(object);
    const { status, ...rest } = object;
    const applied = await applyAt(at, rest);
    if (status === undefined) return applied;
    const { apiVersion, kind, metadata } = object;
    return await applyAt(`${at}/status`, { apiVersion, kind, metadata: { name: metadata.name }, status });
  }
  return {
    path,
    async apply(...objects) {
      const applied = [];
      for (const object of objects) applied.push(await applyOne(object));
      return applied;
    },
    async create(object) {
      const { name: _, ...metadata } = object.metadata;
      return await ask(await path({ ...object, metadata }), 'POST', object);
    },
    replace: async (object) => await ask(await path(object), 'PUT', object),
    patch: async (name, patch) => await ask(await path(name), 'PATCH', patch, 'application/merge-patch+json'),
    patchStatus: async (name, status) =>
      await ask(`${await path(name)}/status`, 'PATCH', { status }, 'application/merge-patch+json'),
    async remove(name, { graceSeconds = 0 } = {}) {
      const at = await path(name);
      const { status, body } = await client.send(at, { method: 'DELETE', body: { gracePeriodSeconds: graceSeconds } });
      if (status >= 300 && status !== 404) throw new ApiError(status, `DELETE ${at}: ${JSON.stringify(body)}`);
    },
    async get(name) {
      const { status, body } = await client.send(await path(name));
      if (status === 404) return null;
      if (status !== 200) throw new ApiError(status, JSON.stringify(body));
      return body as KubernetesObject; // the path is that of an object
    },
    async list({ apiVersion, kind }, namespace) {
      const metadata = namespace === undefined ? {} : { namespace };
      const { items } = (await client.ask(await path({ apiVersion, kind, metadata }))) as {
        items: readonly Omit<KubernetesObject, 'apiVersion' | 'kind'>[]; // a list has items, without their kind
      };
      return items.map((item) => ({ ...item, apiVersion, kind }) as KubernetesObject);
    },
  };
}

interface Kind {
  readonly plural: string;
  readonly namespaced: boolean;
}

const rootOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

async function discover(client: ApiClient, apiVersion: string, kind: string): Promise<Kind> {
  const { resources } = (await client.ask(rootOf(apiVersion))) as {
    resources: readonly { name: string; kind: string; namespaced: boolean }[]; // an APIResourceList
  };
  const found = resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
  if (found === undefined) throw new Error(`the API server has no kind ${kind} in ${apiVersion}`);
  return { plural: found.name, namespaced: found.namespaced };
}

/** Waits until every definition serves its kind. */
export async function whenEstablished(objects: Objects, names: readonly ObjectName[]): Promise<void> {
  for (const name of names) {
    await eventually(async () => isEstablished(await objects.get(name)), {
      what: `${name.metadata.name} is established`,
    });
  }
}

function isEstablished(object: KubernetesObject | null): boolean {
  const { conditions = [] } = (object?.status ?? {}) as { conditions?: { type: string; status: string }[] }; // a definition's status
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
}
