import { type Row, ruleRow } from './row.ts';

const appear = (kind: Parameters<typeof ruleRow>[0], after: object, types: Row['types']): Row =>
  ruleRow(kind, 'none to one', { before: null, after }, types);

const server = (port: number) => ({
  selector: { app: 'web' },
  servers: [{ port: { number: port, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
});
const inbound = { context: 'SIDECAR_INBOUND' };
const patchOfClusters = {
  applyTo: 'CLUSTER',
  match: { context: 'SIDECAR_OUTBOUND', cluster: { service: 'reviews.shop.svc.cluster.local' } },
  patch: { operation: 'MERGE', value: { connect_timeout: '7s' } },
};

/** Kinds whose rules reach listeners, or nothing, at a sidecar. */
export const otherRows: readonly Row[] = [
  appear('Gateway', server(80), []),
  ruleRow('Gateway', 'servers', { before: server(80), after: server(8080) }, []),
  appear('EnvoyFilter', { configPatches: [patchOfClusters] }, ['cluster']),
  appear(
    'EnvoyFilter',
    { configPatches: [{ ...patchOfClusters, match: { ...inbound, cluster: { service: 'no.such.service' } } }] },
    [],
  ),
  appear('ProxyConfig', { concurrency: 2 }, []),
  appear('AuthorizationPolicy', { action: 'DENY', rules: [{ to: [{ operation: { methods: ['DELETE'] } }] }] }, [
    'listener',
  ]),
  appear(
    'AuthorizationPolicy',
    {
      selector: { matchLabels: { app: 'other' } },
      action: 'DENY',
      rules: [{ to: [{ operation: { methods: ['DELETE'] } }] }],
    },
    [],
  ),
  appear(
    'RequestAuthentication',
    { jwtRules: [{ issuer: 'https://issuer.test', jwks: '{"keys":[{"kty":"oct","k":"AAAA"}]}' }] },
    ['listener'],
  ),
  appear('PeerAuthentication', { mtls: { mode: 'STRICT' } }, ['listener']),
  appear('PeerAuthentication', { selector: { matchLabels: { app: 'other' } }, mtls: { mode: 'DISABLE' } }, ['cluster']),
  appear('Telemetry', { accessLogging: [{ disabled: true }] }, []),
  appear('WasmPlugin', { url: 'file:///plugins/auth.wasm' }, ['listener']),
  appear('TrafficExtension', { lua: { inlineCode: 'function envoy_on_request() end' } }, ['listener']),
];
