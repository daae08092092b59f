import { destinationRule, type MeshDir, serviceEntry, to, virtualService } from '../../support/mesh-dir.ts';
import type { Random } from '../load/random.ts';

/**
 * A regular expression above a stock Envoy's limit of 100 RE2 instructions. Envoy rejects every version of a virtual
 * host with it.
 */
export const bigRegex = '/api/v[0-9]+/(users|orders|products|payments)/[a-f0-9-]{36}';
/** A file that does not exist. Every Envoy rejects a cluster that refers to it. */
export const missingFile = '/nowhere/client.pem';

const versions = ['v1', 'v2', 'v3'] as const;
const hosts: readonly string[] = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test', 'f.test'];
const marker = 'marker.test';

export interface Judged {
  /** Writes every service once. */
  begin(random: Random): Promise<void>;
  /** Changes a service, its endpoints, its rules, or the visibility for sidecars. Resolves with a description. */
  change(random: Random): Promise<string>;
  /**
   * Removes invalid objects. Their earlier versions are in effect, and a control plane that starts now does not know
   * these.
   */
  removeInvalid(): Promise<void>;
  /** Writes a new object after all earlier ones. Resolves with the text that marks it in a compile's result. */
  mark(): Promise<string>;
}

/** Objects of a few services that share ports, one file each. A file exists or not. */
export function createJudged(mesh: MeshDir, ports: readonly number[]): Judged {
  const files = new Set<string>();
  const invalid = new Set<string>();
  let count = 0;

  const portOf = (host: string): number => {
    const index = hosts.indexOf(host);
    return ports[(index + 1) % ports.length] ?? 0; // the marker has the first port, with others
  };
  const write = async (file: string, object: object, what: string): Promise<string> => {
    await mesh.write(file, object);
    files.add(file);
    invalid.delete(file);
    return `${file}: ${what}`;
  };
  const removeAny = async (_host: string, random: Random): Promise<string> => {
    if (files.size === 0) return 'nothing to remove';
    const file = random.of([...files]);
    files.delete(file);
    await mesh.remove(file);
    return `${file}: removed`;
  };

  const service = (host: string, random: Random) => {
    const endpoints = versions.flatMap((version, index) =>
      random.chance(0.6) ? [{ port: 20_000 + index * 10 + random.below(4), labels: { version } }] : [],
    );
    const what = endpoints.map(({ port, labels }) => `${port}(${labels.version})`).join(' ');
    return write(`service-${host}.yaml`, serviceEntry(host, portOf(host), endpoints), what || 'no endpoints');
  };
  const routes = (host: string, random: Random, match: object) => {
    const target = random.chance(0.3) ? random.of(hosts) : host;
    const version = random.of(versions);
    const route = random.chance(0.5) ? to(target, { [version]: 100 }) : [{ destination: { host: target } }];
    const headers = { response: { set: { 'x-version': `${++count}` } } };
    const what = `${count} to ${target} ${JSON.stringify(match)}`;
    return write(`routes-${host}.yaml`, virtualService(host, [{ match: [{ uri: match }], headers, route }]), what);
  };
  const goodRoutes = (host: string, random: Random) => routes(host, random, { prefix: '/' });
  const policy = (host: string, trafficPolicy: object, subsets: readonly string[], what: string) => {
    const rule = destinationRule(host, subsets);
    return write(`policy-${host}.yaml`, { ...rule, spec: { ...rule.spec, trafficPolicy } }, what);
  };
  const goodPolicy = (host: string, random: Random) => {
    const subsets = versions.filter(() => random.chance(0.6));
    const connectTimeout = `${1 + random.below(9)}s`;
    const what = `subsets ${subsets.join(' ')}, ${connectTimeout}`;
    return policy(host, { connectionPool: { tcp: { connectTimeout } } }, subsets, what);
  };
  const badPolicy = (host: string, random: Random) => {
    const tls = {
      mode: 'MUTUAL',
      clientCertificate: missingFile,
      privateKey: missingFile,
      caCertificates: missingFile,
    };
    return policy(host, { tls }, random.chance(0.5) ? ['v1'] : [], 'a file that is not there');
  };
  const invalidPolicy = async (host: string) => {
    const done = await policy(host, {}, ['v1', 'v1'], 'invalid: a subset that occurs twice');
    invalid.add(`policy-${host}.yaml`);
    return done;
  };
  const visible = (_host: string, random: Random) => {
    const seen = hosts.filter(() => random.chance(0.7));
    const egress = [{ hosts: [...seen, marker].map((host) => `*/${host}`) }];
    const metadata = { name: 'default', namespace: 'default' };
    const sidecar = { apiVersion: 'networking.istio.io/v1', kind: 'Sidecar', metadata, spec: { egress } };
    return write('sidecar.yaml', sidecar, `sees ${seen.join(' ')}`);
  };

  /** Repeated entries are more probable. */
  const changes: readonly ((host: string, random: Random) => Promise<string>)[] = [
    ...[service, service, service, service, goodRoutes, goodRoutes, goodRoutes, goodPolicy, goodPolicy, goodPolicy],
    ...[(host: string, random: Random) => routes(host, random, { regex: bigRegex }), badPolicy, invalidPolicy],
    ...[visible, removeAny, removeAny, removeAny],
  ];

  return {
    async begin(random) {
      for (const host of hosts) await service(host, random);
    },
    change: (random) => random.of(changes)(random.of(hosts), random),
    async removeInvalid() {
      for (const file of invalid) if (files.delete(file)) await mesh.remove(file);
      invalid.clear();
    },
    async mark() {
      const text = `mark-${++count}`;
      const set = { 'x-marker': text };
      await mesh.write(
        'zz-marker.yaml',
        serviceEntry(marker, ports[0] ?? 0, []),
        virtualService(marker, [{ headers: { response: { set } }, route: [{ destination: { host: marker } }] }]),
      );
      return text;
    },
  };
}
