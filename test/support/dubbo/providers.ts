import { type Child, startChild, tailOf } from '../child.ts';
import { eventually } from '../eventually.ts';
import { javaArguments } from '../maven.ts';
import { partProgram } from '../parts.ts';

/** Real provider of `demo.GreetService`. */
export interface Provider {
  /** Ends it at once, like a crash. Its registry notices when its session expires. */
  kill(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Stops its execution (SIGSTOP). */
  pause(): void;
  resume(): void;
  /** Writes a line to its standard input. */
  send(line: string): void;
}

export interface DubboProviderOptions {
  /** `zookeeper://127.0.0.1:2181`. */
  readonly registry: string;
  readonly port: number;
  readonly application?: string;
  /** Level of registration. Default: `interface`. */
  readonly level?: 'interface' | 'instance' | 'all';
  /** Default: `dubbo`. */
  readonly protocol?: string;
  readonly metadata?: 'local' | 'remote';
  readonly group?: string;
  readonly version?: string;
  readonly weight?: number;
  /** Address that it registers. Dubbo and Motan take none of loopback. Default: 10.9.8.7, where nothing is. */
  readonly host?: string;
}

const usualHost = '10.9.8.7';

/** Starts a provider of Dubbo 3.3 and waits until it has registered. */
export const startDubbo33 = ({ host = usualHost, ...options }: DubboProviderOptions): Promise<Provider> => {
  const { application = 'greeter', level = 'interface', protocol = 'dubbo', ...others } = options;
  return startProvider('dubbo33', { args: { application, level, protocol, ...others }, flags: registered(host) });
};

/** Starts a provider of Dubbo 2.7, which registers interfaces only. */
export const startDubbo27 = ({ host = usualHost, ...options }: DubboProviderOptions): Promise<Provider> => {
  const { application = 'greeter', protocol = 'dubbo', ...others } = options;
  return startProvider('dubbo27', { args: { application, protocol, ...others }, flags: registered(host) });
};

const registered = (host: string): readonly string[] => [`-DDUBBO_IP_TO_REGISTRY=${host}`];

export interface MotanProviderOptions {
  /** `127.0.0.1:2181`. */
  readonly registry: string;
  readonly port: number;
  /** How node data are encoded: `zookeeper` serializes Java strings, `zk` writes UTF-8. */
  readonly encoding: 'zookeeper' | 'zk';
  readonly protocol: 'motan' | 'motan2';
  readonly group: string;
  readonly host?: string;
}

/** Starts a provider of Motan. It is unavailable until it is sent the line `available`. */
export const startMotan = ({ host = usualHost, ...options }: MotanProviderOptions): Promise<Provider> =>
  startProvider('motan', { args: { host, ...options }, flags: [] });

interface Start {
  readonly args: Readonly<Record<string, string | number>>;
  readonly flags: readonly string[];
}

async function startProvider(part: 'dubbo33' | 'dubbo27' | 'motan', { args, flags }: Start): Promise<Provider> {
  const child: Child = startChild({
    name: part,
    command: 'java',
    args: javaArguments(await partProgram(part), {
      main: 'demo.Provider',
      flags: [...opened, ...flags],
      args: Object.entries(args).map(([key, value]) => `${key}=${value}`),
    }),
  });
  await eventually(() => child.stdout().includes('provider is ready') || !child.running, {
    what: `${part} is ready`,
    timeoutMs: 500_000,
  });
  if (!child.running) throw new Error(`${part} has ended:\n${tailOf(child)}`);
  return {
    kill: () => child.kill(),
    async stop() {
      child.signal('SIGCONT'); // a paused one would not end
      await child.stop();
    },
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
    send: (line) => child.send(line),
  };
}

/** Modules of the JDK that Dubbo 2.7 and Motan reach into. */
const opened = ['java.lang', 'java.util', 'java.math'].flatMap((name) => [
  '--add-opens',
  `java.base/${name}=ALL-UNNAMED`,
]);
