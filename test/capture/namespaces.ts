import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Child, startChild, tailOf } from '../support/child.ts';
import type { AgentAnswer, AgentCommand } from './commands.ts';

const execute = promisify(execFile);

/** A network namespace with an agent (agent.ts) in it. */
export interface Namespace {
  readonly name: string;
  /**
   * Runs a program in it to its end. Rejects unless the exit code is 0. Resolves with its output, standard error last.
   */
  run(command: string, ...args: readonly string[]): Promise<string>;
  /**
   * Starts a program in it, which ends with this process at the latest. `privileges` are flags of setpriv; `name` names
   * its log.
   */
  start(name: string, options: StartOptions, command: string, args: readonly string[]): Child;
  ask(command: AgentCommand): Promise<AgentAnswer>;
}

export interface StartOptions {
  /** They must contain `--pdeathsig`, which a change of the user clears. */
  readonly privileges?: readonly string[];
}

export interface Network {
  /** In the order of the requested names. */
  readonly namespaces: readonly Namespace[];
  delete(): Promise<void>;
}

const prefix = 'bn';

/**
 * Creates namespaces that reach each other through a bridge in the first one. Their names contain the id of this
 * process. This also finds and removes namespaces that a killed process left behind.
 */
export async function createNetwork(names: readonly string[]): Promise<Network> {
  await removeStale();
  const full = names.map((name) => `${prefix}${process.pid}-${name}`);
  const namespaces: Agent[] = [];
  try {
    for (const [index, name] of full.entries()) {
      await ip('netns', 'add', name);
      await ip('-n', name, 'link', 'set', 'lo', 'up');
      if (index === 0) await bridge(name);
      else await plug(name, full[0] ?? '', index);
      namespaces.push(startAgent(name));
    }
  } catch (cause) {
    await removeAll(full, namespaces);
    throw new Error('the network namespaces could not be made', { cause });
  }
  return { namespaces, delete: () => removeAll(full, namespaces) };
}

/**
 * Returns the addresses of a namespace by its index. Packets to unknown addresses go to those of the first namespace.
 */
const addressesAt = (index: number) => ({ v4: `10.200.0.${index + 1}`, v6: `fd00:200::${index + 1}` });

async function bridge(name: string): Promise<void> {
  await ip('-n', name, 'link', 'add', 'br0', 'type', 'bridge');
  await address(name, 'br0', 0);
  await ip('-n', name, 'link', 'set', 'br0', 'up');
}

/**
 * Connects a namespace to the bridge, with a route for unknown addresses. Those of services are captured on the way.
 */
async function plug(name: string, hub: string, index: number): Promise<void> {
  const port = `port${index}`;
  await ip('link', 'add', port, 'netns', hub, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  await ip('-n', hub, 'link', 'set', port, 'master', 'br0', 'up');
  await address(name, 'eth0', index);
  await ip('-n', name, 'link', 'set', 'eth0', 'up');
  await ip('-n', name, 'route', 'add', 'default', 'via', addressesAt(0).v4);
  await ip('-n', name, '-6', 'route', 'add', 'default', 'via', addressesAt(0).v6);
}

async function address(name: string, device: string, index: number): Promise<void> {
  const { v4, v6 } = addressesAt(index);
  await ip('-n', name, 'addr', 'add', `${v4}/24`, 'dev', device);
  await ip('-n', name, '-6', 'addr', 'add', `${v6}/64`, 'dev', device, 'nodad');
}

const ip = (...args: readonly string[]) => execute('ip', args);

interface Agent extends Namespace {
  readonly child: Child;
}

function startAgent(name: string): Agent {
  const start: Namespace['start'] = (program, { privileges = ['--pdeathsig', 'KILL'] }, command, args) =>
    startChild({
      name: program,
      command: 'ip',
      args: ['netns', 'exec', name, 'setpriv', ...privileges, command, ...args],
    });
  const child = start('agent', {}, process.execPath, [join(import.meta.dirname, 'agent.ts')]);
  const waiting = new Map<number, (answer: AgentAnswer) => void>();
  child.onLine((line) => {
    const { id, ...answer } = JSON.parse(line) as AgentAnswer & { readonly id: number }; // the agent prints this
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  let asked = 0;
  return {
    name,
    child,
    start,
    async run(command, ...args) {
      const { stdout, stderr } = await execute('ip', ['netns', 'exec', name, command, ...args]);
      return `${stdout}${stderr}`;
    },
    async ask(command) {
      const id = ++asked;
      const answer = new Promise<AgentAnswer>((resolve) => waiting.set(id, resolve));
      child.send(JSON.stringify({ id, ...command }));
      const ended = child.exited.then((status) => {
        throw new Error(`the agent in ${name} ended with ${status}:\n${tailOf(child)}`);
      });
      return Promise.race([answer, ended]);
    },
  };
}

async function removeAll(names: readonly string[], agents: readonly Agent[]): Promise<void> {
  await Promise.all(agents.map(({ child }) => child.kill()));
  for (const name of names) await removeNamespace(name).catch(() => {}); // it may not exist yet
}

/** Removes a namespace with its links. Programs in it are ended by their ids. */
async function removeNamespace(name: string): Promise<void> {
  const { stdout } = await ip('netns', 'pids', name);
  for (const pid of stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
  await ip('netns', 'delete', name);
}

async function removeStale(): Promise<void> {
  const { stdout } = await ip('netns', 'list');
  for (const name of stdout.split('\n').map((line) => line.split(' ')[0] ?? '')) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await removeNamespace(name);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
