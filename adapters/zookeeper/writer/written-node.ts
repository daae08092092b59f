import type { RegistryEntry, RegistryPort } from '../../../src/adapter-contract/registry-writer.ts';
import { isKnownProtocol } from '../../../src/dubbo/protocols.ts';
import { ipVersion } from '../../../src/lib/ip.ts';
import { err, ok, type Result } from '../../../src/lib/result.ts';

/** Ephemeral node of an instance. */
export interface WrittenNode {
  readonly path: string;
  readonly data: Buffer;
}

/** Way in which a layout writes the nodes of an instance. The error says why it cannot. */
export type NodesOf = (entry: RegistryEntry) => Result<readonly WrittenNode[], string>;

/** Port with the protocol that clients of the registry know. */
export interface ProtocolPort {
  readonly protocol: string;
  readonly port: number;
}

/** Finds the protocol of each port: its name, or its protocol in the mesh. */
export function protocolPorts(ports: readonly RegistryPort[]): Result<readonly ProtocolPort[], string> {
  const found: ProtocolPort[] = [];
  for (const { name, protocol: own, port } of ports) {
    const protocol = [name, own].find(isKnownProtocol);
    if (protocol === undefined) return err(`the port '${name}' has no protocol that clients of this registry know`);
    found.push({ protocol, port });
  }
  return ok(found);
}

/** Finds the protocols of an instance that is written as a URL. */
export function urlPorts({ ports, labels }: RegistryEntry): Result<readonly ProtocolPort[], string> {
  const encoded = Object.entries(labels).find((label) => label.join('').includes('%'));
  if (encoded !== undefined) return err(`the label '${encoded[0]}' has a percent sign, which readers of URLs decode`);
  return protocolPorts(ports);
}

/** Writes a URL as Dubbo and Motan do: values are encoded only where they would end early. */
export function writeUrl(
  { protocol, port }: ProtocolPort,
  { address, path, parameters }: { address: string; path: string; parameters: Readonly<Record<string, string>> },
): string {
  const host = ipVersion(address) === 6 ? `[${address}]` : address;
  const query = Object.entries(parameters).map(([key, value]) => `${encodeMarks(key)}=${encodeMarks(value)}`);
  return `${protocol}://${host}:${port}/${path}?${query.join('&')}`;
}

const encodeMarks = (text: string): string => (/[&=+?#]/.test(text) ? encodeURIComponent(text) : text);

/** Number that is 100 for an ordinary instance, as in Dubbo; null for an ordinary instance, which needs none. */
export const writtenWeight = (weight: number): string | null =>
  weight === 1 ? null : String(Math.min(weight * 100, 100_000));

/** Splits a locality into the parameters that the adapter reads back. */
export function localityParameters(locality: string): Readonly<Record<string, string>> {
  const [region = '', zone = '', subzone = ''] = locality.split('/');
  return Object.fromEntries(Object.entries({ region, zone, subzone }).filter(([, value]) => value !== ''));
}
