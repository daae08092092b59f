import { describe, expect, test } from 'vitest';
import { authorizationPolicy } from '../../../../src/rules/kinds/authorization-policy/index.ts';
import { envoyFilter } from '../../../../src/rules/kinds/envoy-filter/index.ts';
import { servedKinds } from '../../../../src/rules/kinds/index.ts';
import { meshConfig } from '../../../../src/rules/kinds/mesh-config/index.ts';
import { namespace } from '../../../../src/rules/kinds/namespace/index.ts';
import { peerAuthentication } from '../../../../src/rules/kinds/peer-authentication/index.ts';
import { proxyConfig } from '../../../../src/rules/kinds/proxy-config/index.ts';
import { requestAuthentication } from '../../../../src/rules/kinds/request-authentication/index.ts';
import { telemetry } from '../../../../src/rules/kinds/telemetry/index.ts';
import { trafficExtension } from '../../../../src/rules/kinds/traffic-extension/index.ts';
import { wasmPlugin } from '../../../../src/rules/kinds/wasm-plugin/index.ts';
import type { RuleKind } from '../../../../src/rules/rule.ts';

type Spec = Readonly<Record<string, unknown>>;

const selector = { matchLabels: { app: 'shop', version: 'v1' } };

const cells = (kind: RuleKind, spec: Spec) => kind.columns.map(({ value }) => value(spec));

describe('the columns', () => {
  const samples: readonly (readonly [kind: RuleKind, spec: Spec, want: readonly unknown[]])[] = [
    [
      peerAuthentication,
      { selector, mtls: { mode: 'STRICT' }, portLevelMtls: { 80: {} } },
      ['STRICT', 1, 'app=shop,version=v1'],
    ],
    [peerAuthentication, {}, ['UNSET', 0, null]],
    [authorizationPolicy, { action: 'CUSTOM', rules: [{}, {}], provider: { name: 'opa' } }, ['CUSTOM', 2, 'opa', null]],
    [
      authorizationPolicy,
      {
        targetRefs: [
          { kind: 'Service', name: 'a' },
          { kind: 'Service', name: 'b' },
        ],
      },
      ['ALLOW', 0, null, 'Service/a,Service/b'],
    ],
    [requestAuthentication, { jwtRules: [{ issuer: 'a' }, { issuer: 'b' }, { issuer: 'a' }, {}] }, [4, 'a,b', null]],
    [
      telemetry,
      { tracing: [{}], accessLogging: [{}, {}], targetRef: { kind: 'Service', name: 'a' } },
      [1, 0, 2, 'Service/a'],
    ],
    [proxyConfig, { concurrency: 0, image: { imageType: 'debug' } }, [0, 'debug', null]],
    [wasmPlugin, { url: 'oci://a', phase: 'AUTHN' }, ['oci://a', 'AUTHN', 'FAIL_CLOSE', null]],
    [trafficExtension, { lua: {} }, ['lua', null, null, null]],
    [trafficExtension, { wasm: { url: 'a' }, phase: 'STATS' }, ['wasm', 'STATS', 'a', null]],
    [
      envoyFilter,
      {
        workloadSelector: { labels: { app: 'a' } },
        configPatches: [
          { applyTo: 'CLUSTER', patch: { operation: 'ADD' } },
          { applyTo: 'LISTENER', patch: { operation: 'ADD' } },
        ],
      },
      [2, 'CLUSTER,LISTENER', 'ADD', 0, 'app=a'],
    ],
    [meshConfig, { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, ['REGISTRY_ONLY', null, null]],
    [namespace, {}, ['Active']],
  ];
  for (const [kind, spec, want] of samples) {
    test(`of ${kind.kind} show ${want.join(', ')}`, () => expect(cells(kind, spec)).toEqual(want));
  }

  for (const kind of servedKinds) {
    test(`of ${kind.kind} accept any spec that an older release may have stored`, () => {
      const fields = Object.keys(kind.spec.toJSONSchema({ io: 'input', unrepresentable: 'any' }).properties ?? {});
      for (const odd of ['text', 7, null, [null, 'text', [7]], { matchLabels: 7, labels: null, mode: [], name: {} }]) {
        const spec = Object.fromEntries(fields.map((field) => [field, odd]));
        for (const cell of cells(kind, spec)) expect(cell === null || typeof cell !== 'object').toBe(true);
      }
    });
  }
});

interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly additionalProperties?: Described | boolean;
  readonly anyOf?: readonly Described[];
}

/** Returns the paths of fields without a description. */
function undescribed(schema: Described, path: string): readonly string[] {
  const { properties = {}, items, additionalProperties, anyOf = [] } = schema;
  const fields = Object.entries(properties).flatMap(([name, field]) => [
    ...(field.description ? [] : [`${path}.${name}`]),
    ...undescribed(field, `${path}.${name}`),
  ]);
  const entries = typeof additionalProperties === 'object' ? undescribed(additionalProperties, `${path}{}`) : [];
  const item = items === undefined ? [] : undescribed(items, `${path}[]`);
  return [...fields, ...entries, ...item, ...anyOf.flatMap((one) => undescribed(one, path))];
}

describe('kubectl explain', () => {
  for (const kind of servedKinds) {
    test(`describes every field of ${kind.kind}`, () => {
      // a JSON schema is an object; only the fields named above are read
      const schema = kind.spec.toJSONSchema({ io: 'input', unrepresentable: 'any' }) as Described;
      expect(undescribed(schema, 'spec')).toEqual([]);
    });
  }
});
