import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { eventually } from '../eventually.ts';
import { partProgram } from '../parts.ts';
import { type ApiClient, apiClient } from './api-client.ts';
import { kubeconfigOf } from './credentials.ts';
import { type KubernetesObject, type Objects, objectsOf, whenEstablished } from './objects.ts';

/** Everything that another process needs to reach a cluster. */
export interface ClusterAccess {
  readonly url: string;
  /** PEM text. */
  readonly ca: string;
  /** Token of a user in the group `system:masters`. */
  readonly adminToken: string;
  /** Token of the user `viewer`, who has no rights. */
  readonly viewerToken: string;
  /** An administrator's kubeconfig. */
  readonly kubeconfigPath: string;
}

/** Rights of RBAC, for all namespaces or for one. */
export interface Grant {
  /** Names the role and its binding, and is what `revoke` takes. */
  readonly name: string;
  readonly to: { readonly user: string } | { readonly serviceAccount: string; readonly namespace: string };
  /** Without it: in all, and for objects of the cluster. */
  readonly inNamespace?: string;
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
    readonly resourceNames?: readonly string[];
  }[];
}

export interface TokenOptions {
  /** Default: that of the API server. */
  readonly audiences?: readonly string[];
  /** The pod that the token is bound to. It has to exist, with this service account. */
  readonly pod?: string;
  /** Lifetime, at least 600, which is the default. */
  readonly expirationSeconds?: number;
}

/** A running cluster, used as an administrator. */
export interface ClusterClient extends Objects, Pick<ApiClient, 'send' | 'ask' | 'close'> {
  readonly access: ClusterAccess;
  /** Returns the text of a kubeconfig, by default that of the administrator. */
  kubeconfig(options?: { readonly token?: string; readonly url?: string }): string;
  /** Creates a namespace of its own for a test. Returns its name. */
  namespace(prefix?: string): Promise<string>;
  /** Grants rights and waits until the API server knows them. */
  grant(grant: Grant): Promise<void>;
  /** Waits until the API server knows a right that was granted by other objects. */
  whenAllowed(to: Grant['to'], rule: Grant['rules'][number]): Promise<void>;
  /** Revokes rights and waits until the API server knows that. */
  revoke(grant: Grant): Promise<void>;
  /** Requests a token of a service account (TokenRequest). Creates the account if there is none. */
  serviceAccountToken(namespace: string, name: string, options?: TokenOptions): Promise<string>;
  /** Defines Istio's kinds and waits until they are served. */
  applyIstioCrds(): Promise<void>;
}

export function connectCluster(access: ClusterAccess): ClusterClient {
  const client = apiClient({ url: access.url, ca: access.ca, token: access.adminToken });
  const objects = objectsOf(client);
  return {
    ...client,
    ...objects,
    access,
    kubeconfig: ({ token = access.adminToken, url = access.url } = {}) => kubeconfigOf({ url, ca: access.ca, token }),
    async namespace(prefix = 'test') {
      const { metadata } = (await client.ask('/api/v1/namespaces', {
        method: 'POST',
        body: { metadata: { generateName: `${prefix}-` } },
      })) as KubernetesObject; // the server answers with the object
      return metadata.name;
    },
    async grant(grant) {
      await objects.apply(...roleAndBinding(grant));
      await whenAllowed(client, grant, true);
    },
    whenAllowed: (to, rule) => whenAllowed(client, { name: 'the right', to, rules: [rule] }, true),
    async revoke(grant) {
      for (const object of roleAndBinding(grant)) await objects.remove(object);
      await whenAllowed(client, grant, false);
    },
    async serviceAccountToken(namespace, name, options) {
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } };
      if ((await objects.get(account)) === null) await objects.apply(account);
      return await requestToken(client, `${await objects.path(account)}/token`, options);
    },
    async applyIstioCrds() {
      const text = await readFile(await partProgram('istioCrds'), 'utf8');
      const definitions = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject | null); // CRDs
      const present = definitions.filter((definition) => definition !== null);
      await Promise.all(present.map((definition) => objects.apply(definition)));
      await whenEstablished(objects, present);
    },
  };
}

async function requestToken(client: ApiClient, path: string, options: TokenOptions = {}): Promise<string> {
  const { audiences, pod, expirationSeconds = 600 } = options;
  const boundObjectRef = pod === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod } };
  const { status } = (await client.ask(path, {
    method: 'POST',
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { ...(audiences === undefined ? {} : { audiences }), expirationSeconds, ...boundObjectRef },
    },
  })) as { status: { token: string } }; // a TokenRequest
  return status.token;
}

const rbac = 'rbac.authorization.k8s.io';

function roleAndBinding({ name, to, inNamespace, rules }: Grant): readonly KubernetesObject[] {
  const role = inNamespace === undefined ? 'ClusterRole' : 'Role';
  const metadata = { name, ...(inNamespace === undefined ? {} : { namespace: inNamespace }) };
  const subject =
    'user' in to
      ? { apiGroup: rbac, kind: 'User', name: to.user }
      : { kind: 'ServiceAccount', name: to.serviceAccount, namespace: to.namespace };
  return [
    { apiVersion: `${rbac}/v1`, kind: role, metadata, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: `${role}Binding`,
      metadata,
      roleRef: { apiGroup: rbac, kind: role, name },
      subjects: [subject],
    },
  ];
}

/** The API server reads roles from a watch of its own, so that they count a moment later. */
async function whenAllowed(client: ApiClient, { name, to, inNamespace, rules }: Grant, wanted: boolean): Promise<void> {
  const user = 'user' in to ? to.user : `system:serviceaccount:${to.namespace}:${to.serviceAccount}`;
  for (const { apiGroups, resources, verbs, resourceNames = [] } of rules) {
    const [resource, subresource] = resources[0]?.split('/') ?? [];
    const attributes = {
      group: apiGroups[0],
      resource,
      subresource,
      verb: verbs[0],
      namespace: inNamespace,
      name: resourceNames[0],
    };
    await eventually(
      async () => {
        const { status } = (await client.ask('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
          method: 'POST',
          body: { spec: { user, resourceAttributes: attributes } },
        })) as { status: { allowed: boolean } }; // a SubjectAccessReview
        return status.allowed === wanted;
      },
      { what: `${name} is ${wanted ? 'granted' : 'revoked'}` },
    );
  }
}
