import { createCompiler } from '../../src/compile/compiler.ts';
import type { Compiler, FlushResult, LayerKey, WorldChange } from '../../src/compile/contract.ts';
import type { Endpoint, EndpointSet } from '../../src/model/endpoint.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import type { Service } from '../../src/model/service.ts';
import { resourceToJson } from '../../src/proto/json.ts';
import type { EncodedResource, XdsType } from '../../src/proto/resource.ts';
import { destinationRule } from '../../src/rules/kinds/destination-rule/index.ts';
import { sidecar } from '../../src/rules/kinds/sidecar/index.ts';
import { virtualService } from '../../src/rules/kinds/virtual-service/index.ts';
import type { Rule } from '../../src/rules/rule.ts';
import { service as plainService } from './model.ts';

/* Builders for tests of the compiler, with ordinary values for everything that a test leaves out. */

/** A Kubernetes service with one HTTP port 80, named `name.namespace.svc.cluster.local` unless given. */
export function service(host: string, overrides: Partial<Omit<Service, 'hostname'>> = {}): Service {
  const full = host.includes('.') || host === '*' ? host : `${host}.default.svc.cluster.local`;
  return plainService(full, {
    namespace: full.endsWith('.svc.cluster.local') ? (full.split('.')[1] ?? 'default') : 'default',
    name: full.split('.')[0] ?? full,
    registry: 'kubernetes',
    ...overrides,
  });
}

export const endpointsOf = ({ namespace, hostname }: Service, endpoints: readonly Endpoint[]): EndpointSet => ({
  namespace,
  hostname,
  endpoints,
});

export const proxy = (overrides: Partial<Proxy> = {}): Proxy => ({
  id: 'sidecar~10.9.9.9~client.default~default.svc.cluster.local',
  role: 'sidecar',
  client: 'envoy',
  name: 'client',
  namespace: 'default',
  dnsDomain: `${overrides.namespace ?? 'default'}.svc.cluster.local`,
  addresses: ['10.9.9.9'],
  labels: {},
  cluster: '',
  network: '',
  locality: '',
  interception: 'redirect',
  ...overrides,
});

const schemas = { VirtualService: virtualService.spec, DestinationRule: destinationRule.spec, Sidecar: sidecar.spec };

/**
 * A validated rule: `rule('VirtualService', 'shop/reviews', {…})`. `age` decides precedence: the lowest is the oldest.
 */
export function rule(kind: keyof typeof schemas, name: string, spec: object, age = 0): Rule {
  const [first = '', second] = name.split('/');
  return {
    kind,
    apiVersion: 'networking.istio.io/v1',
    metadata: {
      namespace: second === undefined ? 'default' : first,
      name: second ?? first,
      labels: {},
      annotations: {},
      creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, age)).toISOString(),
      generation: 1,
      resourceVersion: '1',
      uid: name,
    },
    spec: schemas[kind].parse(spec),
    origin: 'test',
  };
}

/** A compiler with the tables of all its flushes, as a server would have them. */
export interface CompiledWorld {
  readonly compiler: Compiler;
  /** Applies the changes and flushes. */
  apply(...changes: readonly (WorldChange | Service | EndpointSet | Rule)[]): FlushResult;
  layers(of?: Proxy): readonly LayerKey[];
  /** Returns the layers of a proxy as one table. Opens and compiles them if necessary. */
  table(type: XdsType, of?: Proxy): ReadonlyMap<string, EncodedResource>;
  names(type: XdsType, of?: Proxy): readonly string[];
  json(type: XdsType, name: string, of?: Proxy): ReturnType<typeof resourceToJson>;
  problems(): Record<string, readonly string[]>;
  close(layer: LayerKey): void;
}

export function compiledWorld(compiler: Compiler = createCompiler()): CompiledWorld {
  const tables = new Map<LayerKey, Map<XdsType, Map<string, EncodedResource>>>();
  const flush = () => {
    const result = runFlush(compiler);
    for (const { layer, type, changed, removed } of result.changes) {
      const types = tables.get(layer) ?? new Map<XdsType, Map<string, EncodedResource>>();
      tables.set(layer, types);
      const table = types.get(type) ?? new Map<string, EncodedResource>();
      types.set(type, table);
      for (const resource of changed) table.set(resource.name, resource);
      for (const name of removed) table.delete(name);
    }
    return result;
  };
  const world: CompiledWorld = {
    compiler,
    apply(...changes) {
      compiler.apply(changes.map(toChange));
      return flush();
    },
    layers: (of = proxy()) => compiler.layersOf(of),
    table(type, of = proxy()) {
      const layers = compiler.layersOf(of);
      flush();
      return new Map(layers.flatMap((layer) => [...(tables.get(layer)?.get(type) ?? [])]));
    },
    names: (type, of) => [...world.table(type, of).keys()].sort(),
    json(type, name, of) {
      const resource = world.table(type, of).get(name);
      if (resource === undefined) throw new Error(`no ${type} ${name}; there are ${world.names(type, of).join(', ')}`);
      return resourceToJson(type, resource);
    },
    problems: () => Object.fromEntries(compiler.problems()),
    close(layer) {
      compiler.close(layer);
      tables.delete(layer);
    },
  };
  return world;
}

export function runFlush(compiler: Compiler): FlushResult {
  const steps = compiler.flush();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function toChange(value: WorldChange | Service | EndpointSet | Rule): WorldChange {
  if ('type' in value) return value;
  if ('kind' in value) return { type: 'rule', rule: value };
  if ('endpoints' in value) return { type: 'endpoints', set: value };
  return { type: 'service', service: value };
}
