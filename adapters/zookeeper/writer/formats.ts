import { createHash } from 'node:crypto';
import type { ServiceIdentity } from '../../../src/dubbo/identity.ts';
import { writtenParameters } from '../../../src/dubbo/written-provider.ts';
import { err, ok } from '../../../src/lib/result.ts';
import { localityParameters, type NodesOf, protocolPorts, urlPorts, writeUrl, writtenWeight } from './written-node.ts';

/** Nodes of a service of Dubbo: `<root>/<interface>/providers/<URL>`, one for each port. */
export const dubboProviderNodes =
  (root: string, identity: ServiceIdentity): NodesOf =>
  (entry) => {
    const ports = urlPorts(entry);
    if (!ports.ok) return ports;
    const { address } = entry;
    const weight = writtenWeight(entry.weight);
    const parameters = {
      ...writtenParameters({ ...entry, identity }),
      ...(weight === null ? {} : { weight }),
    };
    const data = Buffer.from(address);
    return ok(
      ports.value.map((port) => {
        const url = writeUrl(port, { address, path: identity.interface, parameters });
        return { path: `${root}/${identity.interface}/providers/${encodeURIComponent(url)}`, data };
      }),
    );
  };

/**
 * Node of an instance of an application of Dubbo: `<root>/<application>/<address:port>`. Labels are its metadata, of
 * which the revision is a hash of the ports unless a label says it.
 */
export const dubboApplicationNodes =
  (root: string, application: string): NodesOf =>
  (entry) => {
    const ports = protocolPorts(entry.ports);
    if (!ports.ok) return ports;
    const [first] = ports.value;
    if (first === undefined) return err('it has no port');
    const endpoints = JSON.stringify(ports.value.map(({ protocol, port }) => ({ port, protocol })));
    const weight = writtenWeight(entry.weight);
    const metadata = {
      'dubbo.metadata.revision': createHash('md5').update(endpoints).digest('hex'),
      'dubbo.metadata.storage-type': 'local',
      'meta-v': '1.0.0',
      ...entry.labels,
      ...localityParameters(entry.locality),
      ...(weight === null ? {} : { weight }),
      'dubbo.endpoints': endpoints,
      timestamp: String(entry.registeredAtMs),
    };
    const id = `${entry.address}:${first.port}`;
    const payload = {
      '@class': 'org.apache.dubbo.registry.zookeeper.ZookeeperInstance',
      id,
      name: application,
      metadata,
    };
    const instance = curatorInstance(
      { name: application, id, address: entry.address, port: first.port },
      entry.registeredAtMs,
    );
    return ok([{ path: `${root}/${application}/${id}`, data: json({ ...instance, payload }) }]);
  };

/** Node of a service of Motan that is ready: `<root>/<group>/<interface>/server/<address:port>` with a URL. */
export const motanNodes =
  (root: string, { group, interface: name }: ServiceIdentity, encoding: 'java' | 'utf8'): NodesOf =>
  (entry) => {
    const ports = urlPorts(entry);
    if (!ports.ok) return ports;
    const { address, labels, locality, registeredAtMs } = entry;
    return ok(
      ports.value.map((port) => {
        const parameters = {
          ...{ version: '1.0', shareChannel: 'true', id: port.protocol },
          ...labels,
          ...localityParameters(locality),
          ...{ group, nodeType: 'service', protocol: port.protocol, export: `${port.protocol}:${port.port}` },
          ...(entry.weight === 1 ? {} : { weight: writtenWeight(entry.weight) ?? '' }),
          refreshTimestamp: String(registeredAtMs),
        };
        const text = Buffer.from(`${writeUrl(port, { address, path: name, parameters })}&`);
        const data = encoding === 'java' ? javaString(text) : text;
        return { path: `${root}/${group}/${name}/server/${address}:${port.port}`, data };
      }),
    );
  };

/** Node of a service of Curator: `<root>/<name>/<id>`. Labels become metadata, as Spring Cloud writes them. */
export const curatorNodes =
  (root: string, name: string): NodesOf =>
  (entry) => {
    const { id, address, labels, registeredAtMs } = entry;
    const isSecure = ({ protocol }: { protocol: string }) => protocol === 'https';
    const plain = entry.ports.find((port) => !isSecure(port));
    if (plain === undefined) return err('it has no port but https');
    const instance = curatorInstance({ name, id, address, port: plain.port }, registeredAtMs);
    const payload = {
      '@class': 'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance',
      ...{ id, name, metadata: labels },
    };
    const sslPort = entry.ports.find(isSecure)?.port ?? null;
    const node = { ...instance, sslPort, payload: Object.keys(labels).length === 0 ? null : payload };
    return ok([{ path: `${root}/${name}/${id}`, data: json(node) }]);
  };

/** Builds an instance as Curator's JsonInstanceSerializer writes it. */
const curatorInstance = (
  { name, id, address, port }: { name: string; id: string; address: string; port: number },
  registrationTimeUTC: number,
) => ({
  ...{ name, id, address, port, sslPort: null, payload: null },
  ...{ registrationTimeUTC, serviceType: 'DYNAMIC', uriSpec: null },
});

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));

/** Serializes a `java.lang.String` of fewer than 65,536 bytes. */
function javaString(text: Buffer): Buffer {
  const header = Buffer.from([0xac, 0xed, 0x00, 0x05, 0x74, 0, 0]);
  header.writeUInt16BE(text.length, 5);
  return Buffer.concat([header, text]);
}
