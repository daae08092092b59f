import type { TableLimits } from '../../src/xds/tables/table.ts';
import type { Mode } from '../../src/xds/wire/response.ts';
import { type Contents, Server, Talker } from '../support/conversation.ts';

const twoOfEach = {
  cluster: { a: '1', b: '1' },
  endpoint: { a: '1', b: '1' },
  listener: { l80: '1', l90: '1' },
  route: { 80: '1', 9080: '1' },
} satisfies Contents;

/** A client that has asked for everything there is and acknowledged it: by default two of each type. */
export function settled(
  mode: Mode,
  mesh: Contents = twoOfEach,
  limits: Partial<TableLimits> = {},
): { server: Server; client: Talker } {
  const server = new Server(limits);
  server.commit(mesh);
  const client = new Talker(server, mode);
  client.asks('cluster');
  client.asks('endpoint', Object.keys(mesh.endpoint ?? {}));
  client.acks('endpoint');
  client.acks('cluster');
  client.asks('listener');
  client.acks('listener');
  client.asks('route', Object.keys(mesh.route ?? {}));
  client.acks('route');
  return { server, client };
}
