import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { javaArguments } from '../maven.ts';
import { partProgram } from '../parts.ts';
import { fixedPort } from '../ports.ts';
import { type ServerProcess, serverProcess } from '../server-process.ts';

/** A ZooKeeper server of one's own. It can be killed, paused and started again, on the same port with the same data. */
export interface ZooKeeper extends ServerProcess {
  readonly port: number;
  /** `127.0.0.1:port`, as clients write it. */
  readonly address: string;
  /** Starts it without the data that it had, like a machine that was set up anew. It has to be stopped. */
  startEmpty(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

export interface ZooKeeperOptions {
  /** Unit of session timeouts, in milliseconds: a session lasts 2 to 20 of them. */
  readonly tickMs?: number;
  /** Further lines of its configuration. */
  readonly settings?: readonly string[];
}

/** Starts a server and waits until it answers. It needs some 60 MB. */
export async function startZooKeeper({ tickMs = 500, settings = [] }: ZooKeeperOptions = {}): Promise<ZooKeeper> {
  const classPath = await partProgram('zookeeper');
  const dir = await mkdtemp(join(tmpdir(), `binnacle-zookeeper-${process.pid}-`));
  const data = join(dir, 'data');
  const port = await fixedPort();
  const file = join(dir, 'zoo.cfg');
  const own = [`tickTime=${tickMs}`, `dataDir=${data}`, 'clientPortAddress=127.0.0.1', `clientPort=${port}`];
  const fixed = ['admin.enableServer=false', '4lw.commands.whitelist=*', 'maxClientCnxns=0'];
  await writeFile(file, [...own, ...fixed, ...settings].join('\n'));
  const server = serverProcess({
    name: 'zookeeper',
    command: 'java',
    args: javaArguments(classPath, { main: 'org.apache.zookeeper.server.ZooKeeperServerMain', args: [file] }),
    isReady: async () => (await fourLetterWord(port, 'srvr')).includes('Mode: '),
  });
  await server.start();
  return Object.assign(server, {
    port,
    address: `127.0.0.1:${port}`,
    async startEmpty() {
      await rm(data, { recursive: true, force: true });
      await server.start();
    },
    async close() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  });
}

/** Asks a server for one of its four-letter words (`ruok`, `cons`, `wchs`, …), and resolves with all that it answers. */
export function fourLetterWord(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(word));
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no answer to ${word}`)));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}
