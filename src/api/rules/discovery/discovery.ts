import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RuleKind } from '../../../rules/rule.ts';
import type { HttpRoutes } from '../../server.ts';
import { ApiError, failure } from '../../status.ts';
import { acceptables, isJson } from '../answers/negotiate.ts';
import { type CachedAnswer, cachedAnswer, sendCached } from './cached-answer.ts';
import { type ApiGroup, type ApiVersion, apiGroups, verbsOf } from './groups.ts';

export interface DiscoveryRoutesOptions {
  readonly kinds: readonly RuleKind[];
  /** Version of this program, `0.1.0` for example. */
  readonly version: string;
}

/** Kubernetes version whose conventions apply. Clients warn if it differs from theirs by more than one. */
const kubernetesMinor = 37;

/**
 * Routes that describe the API to kubectl and other Kubernetes clients: `/api`, `/apis` (also as one aggregated list,
 * if the client accepts it), each group, each version, and `/version`.
 */
export function discoveryRoutes({ kinds, version }: DiscoveryRoutesOptions): HttpRoutes {
  return (server) => {
    const groups = apiGroups(kinds);
    const [core, named] = [groups.filter(({ name }) => name === ''), groups.filter(({ name }) => name !== '')];
    const serve = (path: string, value: unknown) => {
      const answer = cachedAnswer(value);
      server.get(path, async (request, reply) => {
        formOf(request, ['plain']);
        return sendCached(request, reply, { answer, type: 'application/json' });
      });
    };

    serveRoot('/api', coreVersions(core), core);
    serveRoot('/apis', { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(apiGroup) }, named);
    for (const group of named) serve(`/apis/${group.name}`, { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group) });
    for (const served of groups.flatMap((group) => group.versions)) serve(served.path, resourceList(served));
    serve('/version', versionOf(version));

    function serveRoot(path: string, plain: unknown, listed: readonly ApiGroup[]): void {
      const answers: Readonly<Record<DiscoveryForm, CachedAnswer>> = {
        plain: cachedAnswer(plain),
        v2: cachedAnswer(aggregated(listed, 'v2')),
        v2beta1: cachedAnswer(aggregated(listed, 'v2beta1')),
      };
      server.get(path, async (request: FastifyRequest, reply: FastifyReply) => {
        const form = formOf(request, ['v2', 'v2beta1', 'plain']);
        const as = form === 'plain' ? '' : `;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`;
        return sendCached(request, reply, { answer: answers[form], type: `application/json${as}` });
      });
    }
  };
}

type DiscoveryForm = 'plain' | 'v2' | 'v2beta1';

function formOf(request: FastifyRequest, served: readonly DiscoveryForm[]): DiscoveryForm {
  for (const acceptable of acceptables(request.headers.accept)) {
    if (!isJson(acceptable)) continue;
    const { parameters } = acceptable;
    const as = parameters.get('as');
    if (as === undefined) return 'plain';
    if (as !== 'APIGroupDiscoveryList' || parameters.get('g') !== 'apidiscovery.k8s.io') continue;
    const form = served.find((one) => one === parameters.get('v'));
    if (form !== undefined) return form;
  }
  throw new ApiError(failure('NotAcceptable', `${request.headers.accept} is not served: accept application/json`));
}

const coreVersions = (core: readonly ApiGroup[]) => ({
  kind: 'APIVersions',
  versions: core.flatMap(({ versions }) => versions.map(({ version }) => version)),
  serverAddressByClientCIDRs: [],
});

function apiGroup({ name, versions }: ApiGroup) {
  const served = versions.map(({ apiVersion, version }) => ({ groupVersion: apiVersion, version }));
  return { name, versions: served, preferredVersion: served[0] };
}

const resourceList = ({ apiVersion, kinds }: ApiVersion) => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: apiVersion,
  resources: kinds.flatMap((kind) => {
    const common = { namespaced: kind.scope === 'namespaced', kind: kind.kind };
    return [
      {
        name: kind.plural,
        singularName: kind.singular,
        ...common,
        verbs: verbsOf(kind),
        shortNames: kind.shortNames,
        categories: categoriesOf(kind),
      },
      { name: `${kind.plural}/status`, singularName: '', ...common, verbs: ['get'] },
    ];
  }),
});

/** Aggregated list of https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery */
const aggregated = (groups: readonly ApiGroup[], version: 'v2' | 'v2beta1') => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: `apidiscovery.k8s.io/${version}`,
  metadata: {},
  items: groups.map(({ name, versions }) => ({
    metadata: { name, creationTimestamp: null },
    versions: versions.map((served) => ({
      version: served.version,
      resources: served.kinds.map((kind) => resource(kind, served)),
      freshness: 'Current',
    })),
  })),
});

function resource(kind: RuleKind, { group, version }: ApiVersion) {
  const responseKind = { group, version, kind: kind.kind };
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.scope === 'namespaced' ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    shortNames: kind.shortNames,
    categories: categoriesOf(kind),
    subresources: [{ subresource: 'status', responseKind, verbs: ['get'] }],
  };
}

/**
 * Names for several kinds at once: `kubectl get rules` (or `all`, or Istio's categories) lists all kinds.
 * Cluster-scoped kinds are excluded, so `delete all --all` does not delete them.
 */
function categoriesOf({ group, scope }: RuleKind): readonly string[] {
  if (scope === 'cluster') return [];
  const istio = group.endsWith('.istio.io') ? ['istio-io', group.replaceAll('.', '-')] : [];
  return ['all', 'rules', ...istio];
}

const versionOf = (version: string) => ({
  major: '1',
  minor: String(kubernetesMinor),
  gitVersion: `v1.${kubernetesMinor}.0+binnacle-${version}`,
  gitCommit: '',
  gitTreeState: '',
  buildDate: '',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch}`,
});
