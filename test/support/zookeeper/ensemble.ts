import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { javaArguments } from '../maven.ts';
import { partProgram } from '../parts.ts';
import { fixedPort } from '../ports.ts';
import { type ServerProcess, serverProcess } from '../server-process.ts';
import { fourLetterWord } from './server.ts';

export interface EnsembleServer extends ServerProcess {
  readonly port: number;
  readonly address: string;
}

/** Three servers that elect a leader. */
export interface Ensemble {
  readonly servers: readonly EnsembleServer[];
  /** Returns the running server that has watches, or null if none has. */
  withWatches(): Promise<EnsembleServer | null>;
  close(): Promise<void>;
}

/** Starts three servers and waits until each serves. They need some 200 MB. */
export async function startEnsemble(): Promise<Ensemble> {
  const classPath = await partProgram('zookeeper');
  const dir = await mkdtemp(join(tmpdir(), `binnacle-ensemble-${process.pid}-`));
  const members: { id: number; port: number; peers: string }[] = [];
  for (const id of [1, 2, 3])
    members.push({ id, port: await fixedPort(), peers: `127.0.0.1:${await fixedPort()}:${await fixedPort()}` });
  const servers = await Promise.all(
    members.map(async ({ id, port }) => {
      const data = join(dir, String(id));
      const file = join(dir, `${id}.cfg`);
      await mkdir(data);
      await writeFile(join(data, 'myid'), String(id));
      const settings = [
        'tickTime=500',
        'initLimit=60',
        'syncLimit=10',
        `dataDir=${data}`,
        'clientPortAddress=127.0.0.1',
        `clientPort=${port}`,
        'admin.enableServer=false',
        '4lw.commands.whitelist=*',
        ...members.map((member) => `server.${member.id}=${member.peers}`),
      ];
      await writeFile(file, settings.join('\n'));
      const server = serverProcess({
        name: `zookeeper-${id}`,
        command: 'java',
        args: javaArguments(classPath, { main: 'org.apache.zookeeper.server.quorum.QuorumPeerMain', args: [file] }),
        isReady: async () => (await fourLetterWord(port, 'srvr')).includes('Mode: '),
      });
      return Object.assign(server, { port, address: `127.0.0.1:${port}` });
    }),
  );
  await Promise.all(servers.map((server) => server.start()));
  return {
    servers,
    async withWatches() {
      for (const server of servers) {
        if (!server.running) continue;
        const text = await fourLetterWord(server.port, 'wchs').catch(() => '');
        if (/Total watches:[1-9]/.test(text)) return server;
      }
      return null;
    },
    async close() {
      await Promise.all(servers.map((server) => server.stop()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}
