import fc from 'fast-check';
import type { WorldChange } from '../../src/compile/contract.ts';
import { covers, hostname, serviceKey } from '../../src/model/names.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import type { ServicePort } from '../../src/model/service.ts';
import { meshConfigSchema } from '../../src/rules/mesh-config.ts';
import { endpoint } from '../support/model.ts';
import { ruleIdOf } from '../support/rules.ts';
import { proxy, rule, service } from '../support/world.ts';

/*
 * Small pools, so that things meet: names that clash, wildcards that cover, namespaces that see or do not see each
 * other, ports that are HTTP here and TCP there.
 */
export const namespaces = ['default', 'shop', 'istio-system'] as const;
const hosts = [
  'a.default.svc.cluster.local',
  'b.default.svc.cluster.local',
  'a.shop.svc.cluster.local',
  'api.example.com',
  '*.example.com',
  'a.shop.svc.elsewhere.local',
] as const;
export const ruleHosts = [
  ...hosts,
  'a',
  'ghost.example.com',
  '*',
  '*.svc.cluster.local',
  '*.shop.svc.cluster.local',
] as const;
const exportLists: readonly [string[] | undefined, ...(string[] | undefined)[]] = [
  undefined,
  ['*'],
  ['.'],
  ['shop'],
  ['~'],
];
const ports: readonly ServicePort[] = [
  { name: 'http', number: 80, protocol: 'http' },
  { name: 'tcp', number: 80, protocol: 'tcp' },
  { name: 'grpc', number: 90, protocol: 'grpc' },
  { name: 'db', number: 90, protocol: 'tcp' },
  { name: 'tls', number: 443, protocol: 'tls' },
];
const conditions = [{ app: 'web' }, { app: 'web', tier: 'front' }];

const smallPool = { tcp: { maxConnections: 3 } };

const oneOf = <T>(values: readonly T[]) => fc.constantFrom(...values);
/** Half of the time the first: things must meet to be in each other's way. */
const mostlyFirst = <T>(values: readonly [T, ...T[]]) => fc.oneof(fc.constant(values[0]), fc.constantFrom(...values));
const some = <T>(values: readonly T[]) => fc.subarray([...values]);

const serviceIdentity = fc.record({ namespace: mostlyFirst(namespaces), host: mostlyFirst(hosts) });

const arbitraryService = fc
  .record({
    identity: serviceIdentity,
    registry: oneOf(['kubernetes', 'file']),
    createdAtMs: oneOf([1, 2, 3]),
    ports: oneOf([
      ports.slice(0, 1),
      ports.slice(1, 2),
      [ports[0], ports[2]],
      [ports[1], ports[3]],
      [ports[0], ports[4]],
    ]),
    vips: oneOf([[], ['10.0.0.1'], ['10.0.0.1', '10.0.0.2'], ['10.0.0.2', '10.4.0.0/16']]),
    autoAddresses: oneOf([[], ['240.240.0.1', '2001:2::f0f0:1']]),
    aliases: oneOf([[], ['alias.example.com'], ['a.shop.svc.cluster.local']]),
    aliasOf: oneOf([
      null,
      null,
      null,
      null,
      'a.default.svc.cluster.local',
      'api.example.com',
      'a.shop.svc.cluster.local',
    ]),
    resolution: oneOf(['static', 'static', 'dns', 'dynamic-dns', 'passthrough'] as const),
    headless: fc.boolean(),
    exportTo: mostlyFirst(exportLists),
  })
  .map(({ identity, aliases, aliasOf, exportTo, ports: chosen, ...rest }) =>
    service(identity.host, {
      ...rest,
      namespace: identity.namespace,
      ports: chosen.filter((port) => port !== undefined),
      aliases: aliases.map(hostname),
      aliasOf: aliasOf === null ? null : hostname(aliasOf),
      exportTo: exportTo ?? [],
    }),
  );

const arbitraryEndpoint = fc
  .record({
    address: oneOf(['10.1.0.1', '10.1.0.2', '10.1.0.3']),
    ports: oneOf([{ http: 8080, tcp: 8080 }, { tcp: 9000, db: 9001, grpc: 9002 }, {}]),
    labels: oneOf([{}, { version: 'v1' }, { version: 'v2' }]),
    weight: oneOf([1, 5]),
    locality: oneOf(['', 'r1/z1', 'r1/z2', 'r2/z1']),
    network: oneOf(['', '', 'far']),
    health: oneOf(['healthy', 'healthy', 'unhealthy', 'draining', 'departed'] as const),
  })
  .map(({ address, ...rest }) => endpoint(address, rest));

const destination = fc.record({
  host: oneOf(['b', 'a', 'api.example.com', 'a.shop.svc.cluster.local']),
  subset: oneOf([undefined, 'v1']),
});

const httpRoute = fc
  .record({
    match: oneOf([
      undefined,
      [{ uri: { prefix: '/x' } }, { headers: { user: { exact: 'me' } } }],
      [{ uri: { exact: '/only' }, sourceLabels: conditions[0] }],
      [{ sourceNamespace: 'empty' }],
      [{ port: 90 }],
    ]),
    destinations: fc.array(destination, { minLength: 1, maxLength: 2 }),
    timeout: oneOf([undefined, '3s']),
    policies: oneOf([
      {},
      {},
      { fault: { abort: { httpStatus: 503, percentage: { value: 5 } } } },
      { corsPolicy: { allowOrigin: ['*'] }, mirror: { host: 'b' } },
      { retries: { attempts: 1, retryRemoteLocalities: true } },
    ]),
    delegate: oneOf([undefined, undefined, { name: 'd1' }, { name: 'd1', namespace: 'shop' }]),
  })
  .map(({ match, destinations, timeout, policies, delegate }) => ({
    match,
    timeout,
    ...policies,
    ...(delegate === undefined ? { route: destinations.map((it) => ({ destination: it, weight: 50 })) } : { delegate }),
  }));

const connectionMatches = [
  {},
  { port: 90 },
  { destinationSubnets: ['10.4.0.0/16'] },
  { destinationSubnets: ['10.4.0.0/16', '10.5.0.0/16'], sourceLabels: conditions[1] },
  { sourceNamespace: 'shop' },
] as const;

const tcpRoute = fc
  .record({
    match: fc.option(some([...connectionMatches, { sourceSubnet: '10.9.0.0/16' }]), { nil: undefined }),
    to: destination,
  })
  .map(({ match, to }) => ({ match, route: [{ destination: to }] }));

const tlsRoute = fc
  .record({
    hosts: fc.uniqueArray(oneOf(ruleHosts), { minLength: 1, maxLength: 2 }),
    match: oneOf(connectionMatches),
    to: fc.array(destination, { minLength: 1, maxLength: 2 }),
  })
  .map(({ hosts: sniHosts, match, to }) => ({
    match: [{ ...match, sniHosts }],
    route: to.map((it) => ({ destination: it, weight: 1 })),
  }));

const ruleName = fc.record({ namespace: mostlyFirst(namespaces), name: oneOf(['r1', 'r2']), age: oneOf([0, 1]) });

const arbitraryVirtualService = fc
  .record({
    id: ruleName,
    hosts: fc.uniqueArray(mostlyFirst(ruleHosts), { minLength: 1, maxLength: 2 }),
    http: fc.array(httpRoute, { maxLength: 2 }),
    tcp: fc.array(tcpRoute, { maxLength: 2 }),
    tls: fc.array(tlsRoute, { maxLength: 2 }),
    gateways: oneOf([undefined, ['mesh'], ['outside']]),
    exportTo: mostlyFirst(exportLists),
  })
  .map(({ id, tls, ...spec }) => {
    // Server names must be within the hosts of the rule.
    const within = tls.filter(({ match }) =>
      match.every(({ sniHosts }) => sniHosts.every((name) => spec.hosts.some((host) => covers(host, name)))),
    );
    return rule('VirtualService', `${id.namespace}/${id.name}`, { ...spec, tls: within }, id.age);
  });

const arbitraryDelegate = fc
  .record({
    namespace: mostlyFirst(namespaces),
    http: fc.array(httpRoute, { minLength: 1, maxLength: 2 }),
    exportTo: mostlyFirst(exportLists),
  })
  .map(({ namespace, http, exportTo }) =>
    rule('VirtualService', `${namespace}/d1`, {
      http: http.map(({ match, timeout }) => ({ match, timeout, route: [{ destination: { host: 'b' } }] })),
      exportTo,
    }),
  );

const localitySettings = [
  { distribute: [{ from: 'r1/*', to: { 'r1/*': 70, 'r2/*': 30 } }] },
  { failover: [{ from: 'r1', to: 'r2' }] },
  { failoverPriority: ['version', 'topology.istio.io/network'] },
  { failoverPriority: ['app=web', 'tier'] },
  { enabled: false },
];

const balancers = [
  undefined,
  { simple: 'ROUND_ROBIN' },
  { simple: 'PASSTHROUGH' },
  { consistentHash: { useSourceIp: true } },
  { consistentHash: { httpHeaderName: 'x-user', maglev: {} } },
  ...localitySettings.map((localityLbSetting) => ({ localityLbSetting })),
];

const arbitraryDestinationRule = fc
  .record({
    id: ruleName,
    host: mostlyFirst(ruleHosts),
    exportTo: mostlyFirst(exportLists),
    subsets: oneOf([
      undefined,
      [{ name: 'v1', labels: { version: 'v1' } }],
      [{ name: 'v1', labels: {} }, { name: 'v2' }],
    ]),
    balancer: oneOf(balancers),
    outlier: oneOf([undefined, undefined, {}, { minHealthPercent: 20 }]),
    connectionPool: oneOf([undefined, smallPool]),
    selector: oneOf([undefined, undefined, { matchLabels: conditions[1] }]),
  })
  .map(({ id, host, exportTo, subsets, balancer, outlier, connectionPool, selector }) =>
    rule(
      'DestinationRule',
      `${id.namespace}/${id.name}`,
      {
        host,
        exportTo,
        subsets,
        workloadSelector: selector,
        trafficPolicy: { loadBalancer: balancer, outlierDetection: outlier, connectionPool },
      },
      id.age,
    ),
  );

const arbitrarySidecar = fc
  .record({
    id: ruleName,
    hosts: oneOf([
      ['*/*'],
      ['*/*', '~shop/*'],
      ['*/*', '~/a.default.svc.cluster.local'],
      ['./*'],
      ['*/a.default.svc.cluster.local'],
      ['shop/*', './a.default.svc.cluster.local'],
      ['~/*'],
      ['*/*.example.com'],
    ]),
    listeners: oneOf([
      [],
      [],
      [{ port: { number: 80, protocol: 'HTTP' }, hosts: ['./*'] }],
      [{ port: { number: 90, protocol: 'TCP' }, bind: '127.0.0.1', captureMode: 'NONE', hosts: ['shop/*', '*/*'] }],
      [
        { port: { number: 3128, protocol: 'HTTP_PROXY' }, captureMode: 'NONE', hosts: ['shop/*'] },
        { port: { number: 0, protocol: 'HTTP' }, bind: 'unix:///run/http.sock', hosts: ['*/*'] },
        { port: { number: 0, protocol: 'TCP' }, bind: 'unix:///run/tcp.sock', hosts: ['./*'] },
      ],
    ]),
    hasLast: oneOf([true, true, false]),
    policy: oneOf([
      undefined,
      {},
      { mode: 'ALLOW_ANY' },
      { mode: 'ALLOW_ANY', egressProxy: { host: 'a.shop.svc.cluster.local', port: { number: 80 } } },
    ]),
    ingress: oneOf([
      undefined,
      undefined,
      [{ port: { number: 8080, protocol: 'HTTP' }, defaultEndpoint: '0.0.0.0:18080', connectionPool: smallPool }],
      [
        { port: { number: 9001, protocol: 'TCP' } },
        { port: { number: 9100, protocol: 'GRPC' }, captureMode: 'NONE', defaultEndpoint: 'unix:///run/a.sock' },
      ],
    ]),
    inboundConnectionPool: oneOf([undefined, undefined, smallPool]),
    labels: oneOf([undefined, undefined, conditions[0]]),
  })
  .map(({ id, hosts: egressHosts, listeners, hasLast, policy, labels, ...inbound }) =>
    rule(
      'Sidecar',
      `${id.namespace}/${id.name}`,
      {
        egress: [...listeners, ...(hasLast || listeners.length === 0 ? [{ hosts: egressHosts }] : [])],
        outboundTrafficPolicy: policy,
        ...inbound,
        workloadSelector: labels === undefined ? undefined : { labels },
      },
      id.age,
    ),
  );

const arbitraryMesh = fc
  .record({
    outboundTrafficPolicy: fc.record({ mode: oneOf(['ALLOW_ANY', 'REGISTRY_ONLY']) }),
    defaultServiceExportTo: oneOf([['*'], ['.'], ['shop']]),
    defaultDestinationRuleExportTo: oneOf([['*'], ['.']]),
    connectTimeout: oneOf(['10s', '3s']),
    localityLbSetting: oneOf([undefined, undefined, ...localitySettings]),
    h2UpgradePolicy: oneOf(['DO_NOT_UPGRADE', 'UPGRADE']),
    proxyHttpPort: oneOf([0, 0, 15_002]),
  })
  .map((mesh) => meshConfigSchema.parse(mesh));

const workloadIds = ['a/pod', 'a/vm', 'b/guest'] as const;

const arbitraryWorkload = fc
  .record({
    id: oneOf(workloadIds),
    namespace: mostlyFirst(['shop', 'default']),
    name: oneOf(['w', 'client']),
    addresses: oneOf([['10.1.0.1'], ['10.1.0.2'], ['10.1.0.2', '10.1.0.3'], ['10.9.9.9']]),
    labels: oneOf([{}, { app: 'web' }, { app: 'web', tier: 'front' }, { tier: 'front' }, { other: 'x' }]),
  })
  .map(
    ({ id, ...workload }): WorldChange => ({ type: 'workload', id, workload, isSelfRegistered: id.startsWith('b/') }),
  );

const kinds = ['VirtualService', 'DestinationRule', 'Sidecar'] as const;

/** One change of the world, removals of things that may not exist among them. */
export const arbitraryChange: fc.Arbitrary<WorldChange> = fc.oneof(
  { weight: 4, arbitrary: arbitraryService.map((value): WorldChange => ({ type: 'service', service: value })) },
  {
    weight: 1,
    arbitrary: serviceIdentity.map(
      ({ namespace, host }): WorldChange => ({ type: 'service-removed', key: serviceKey(namespace, hostname(host)) }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.record({ identity: serviceIdentity, endpoints: fc.array(arbitraryEndpoint, { maxLength: 3 }) }).map(
      ({ identity, endpoints }): WorldChange => ({
        type: 'endpoints',
        set: { namespace: identity.namespace, hostname: hostname(identity.host), endpoints },
      }),
    ),
  },
  {
    weight: 6,
    arbitrary: fc
      .oneof(arbitraryVirtualService, arbitraryDelegate, arbitraryDestinationRule, arbitrarySidecar)
      .map((value): WorldChange => ({ type: 'rule', rule: value })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        kind: oneOf(kinds),
        id: fc.record({ namespace: mostlyFirst(namespaces), name: oneOf(['r1', 'r2', 'd1']) }),
      })
      .map(
        ({ kind, id }): WorldChange => ({ type: 'rule-removed', id: ruleIdOf(`${kind}/${id.namespace}/${id.name}`) }),
      ),
  },
  { weight: 3, arbitrary: arbitraryWorkload },
  { weight: 1, arbitrary: oneOf(workloadIds).map((id): WorldChange => ({ type: 'workload-removed', id })) },
  { weight: 1, arbitrary: arbitraryMesh.map((mesh): WorldChange => ({ type: 'mesh', mesh })) },
);

/** Batches of changes, each followed by a flush. */
export const arbitraryHistory = fc.array(fc.array(arbitraryChange, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 8,
});

/** Proxies that differ in every fact that may matter, and some that differ only in facts that must not. */
export const proxies: readonly Proxy[] = [
  proxy({ addresses: ['10.1.0.1'] }),
  proxy({ namespace: 'shop', labels: { app: 'web' }, addresses: ['10.1.0.2', '10.1.0.3'], locality: 'r1/z2' }),
  proxy({ namespace: 'istio-system', labels: { app: 'web', tier: 'front' } }),
  proxy({ namespace: 'empty', interception: 'none', locality: 'r1/z1', labels: { version: 'v1' }, network: 'far' }),
  proxy({ namespace: 'shop', capturesDns: true }),
  proxy({ namespace: 'other', dnsDomain: 'example.com', interception: 'tproxy' }),
  proxy({ role: 'gateway', name: 'gateway', locality: 'r2/z1' }),
  proxy({ namespace: 'shop', addresses: ['10.1.0.2', 'fd00::1'] }),
  proxy({ namespace: 'shop', client: 'grpc' }),
  proxy({ namespace: 'shop', client: 'grpc', addresses: ['10.1.0.1', '10.1.0.2'] }),
  proxy({ namespace: 'other', dnsDomain: 'eu.example.com' }),
  proxy({ namespace: 'other', dnsDomain: 'shop.svc.elsewhere.local' }),
];

/** Outside of the cluster: of hosts, above and below them, of other clusters, and of nothing that there is. */
const domains = [
  '',
  'example.com',
  'eu.example.com',
  'corp.com',
  'com',
  'svc.cluster.local',
  'shop.svc.elsewhere.local',
  'unknown.org',
  'x.unknown.org',
];

/** Every proxy that the pools allow. */
export const arbitraryProxy: fc.Arbitrary<Proxy> = fc
  .record({
    id: fc.string(),
    name: fc.string(),
    cluster: fc.string(),
    network: oneOf(['', 'far', 'near']),
    locality: oneOf(['', 'r1', 'r1/z1', 'r1/z2/s1', 'r2/z1', 'r3']),
    role: oneOf(['sidecar', 'sidecar', 'gateway'] as const),
    client: oneOf(['envoy', 'envoy', 'mosn', 'grpc'] as const),
    namespace: oneOf([...namespaces, 'empty', 'other']),
    domain: oneOf([...domains, ...[...namespaces, 'empty', 'other'].map((it) => `${it}.svc.cluster.local`)]),
    labels: oneOf([{}, { app: 'web' }, { app: 'web', tier: 'front' }, { version: 'v1' }, { other: 'x' }]),
    addresses: some(['10.1.0.1', '10.1.0.2', '10.7.7.7', 'fd00::1']),
    interception: oneOf(['redirect', 'tproxy', 'none'] as const),
    capturesDns: fc.boolean(),
  })
  .map(({ domain, ...facts }) => proxy({ ...facts, dnsDomain: domain }));

/** The world that a history ends in, as changes in one batch: removed things left out, the last of each kept. */
export function finalWorld(history: readonly (readonly WorldChange[])[]): readonly WorldChange[] {
  const last = new Map<string, WorldChange>();
  for (const change of history.flat()) {
    switch (change.type) {
      case 'service':
        last.set(`service/${serviceKey(change.service.namespace, change.service.hostname)}`, change);
        break;
      case 'service-removed':
        last.delete(`service/${change.key}`);
        last.delete(`endpoints/${change.key}`);
        break;
      case 'endpoints':
        last.set(`endpoints/${serviceKey(change.set.namespace, change.set.hostname)}`, change);
        break;
      case 'rule':
        last.set(`rule/${change.rule.kind}/${change.rule.metadata.namespace}/${change.rule.metadata.name}`, change);
        break;
      case 'rule-removed':
        last.delete(`rule/${change.id}`);
        break;
      case 'workload':
        last.set(`workload/${change.id}`, change);
        break;
      case 'workload-removed':
        last.delete(`workload/${change.id}`);
        break;
      default:
        last.set('mesh', change);
    }
  }
  return [...last.values()];
}
