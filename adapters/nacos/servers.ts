import { err, ok, type Result } from '../../src/lib/result.ts';

/** Server of a cluster. */
export interface NacosServer {
  /** `host:port` of its gRPC port. */
  readonly target: string;
  /** URL of its HTTP interface, without a path: `http://host:port`. */
  readonly url: string;
}

/** Parses `host:port`, `http://host:port` or `https://host:port`. An IPv6 address stands in brackets. */
export function parseServer(text: string, grpcPortOffset: number): Result<NacosServer, string> {
  const withScheme = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(withScheme)) return err('must be host:port');
  const { protocol, hostname, pathname, username, search } = new URL(withScheme);
  if (hostname === '' || pathname !== '/' || username !== '' || search !== '') return err('must be host:port');
  const httpPort = Number(/:(\d+)$/.exec(withScheme)?.[1] ?? 8848); // URL drops the port of a scheme
  const grpcPort = httpPort + grpcPortOffset;
  if (grpcPort < 1 || grpcPort > 65_535) return err(`has the gRPC port ${grpcPort}; set grpcPortOffset`);
  return ok({ target: `${hostname}:${grpcPort}`, url: `${protocol}//${hostname}:${httpPort}` });
}

/** Order in which the servers of a cluster are tried. */
export interface ServerRotation {
  current(): NacosServer;
  /** Goes on to the next server. Returns how often all servers in a row have failed since the last success. */
  failed(): number;
  succeeded(): void;
  /** Returns the servers to ask for a second opinion. */
  others(): readonly NacosServer[];
}

export function createRotation(servers: readonly NacosServer[]): ServerRotation {
  let index = 0;
  let failures = 0;
  const at = (offset: number): NacosServer => {
    const server = servers[(index + offset) % servers.length];
    if (server === undefined) throw new Error('a rotation needs a server');
    return server;
  };
  return {
    current: () => at(0),
    failed() {
      index = (index + 1) % servers.length;
      failures += 1;
      return Math.floor(failures / servers.length);
    },
    succeeded() {
      failures = 0;
    },
    others: () => servers.slice(1).map((_, offset) => at(offset + 1)),
  };
}
