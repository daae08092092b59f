import { startChild, tailOf } from '../child.ts';
import { eventually } from '../eventually.ts';
import { javaArguments } from '../maven.ts';
import { partProgram } from '../parts.ts';

/** Real consumer of `demo.GreetService`, of Dubbo 3.3. */
export interface Consumer {
  /** Calls `hello`. Resolves with `answer …` or `error …`. One call at a time. */
  hello(name: string): Promise<string>;
  stop(): Promise<void>;
}

export interface ConsumerOptions {
  /** `zookeeper://127.0.0.1:2181` or `nacos://127.0.0.1:8848`. */
  readonly registry: string;
  readonly group?: string;
  readonly version?: string;
}

/** Starts a consumer. Providers may come later. */
export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const child = startChild({
    name: 'dubbo33-consumer',
    command: 'java',
    args: javaArguments(await partProgram('dubbo33'), {
      main: 'demo.Consumer',
      args: Object.entries(options).map(([key, value]) => `${key}=${value}`),
    }),
  });
  const count = (pattern: RegExp) => child.stdout().match(pattern)?.length ?? 0;
  await eventually(() => count(/consumer is ready/g) > 0 || !child.running, {
    what: 'the consumer is ready',
    timeoutMs: 500_000,
  });
  if (!child.running) throw new Error(`the consumer has ended:\n${tailOf(child)}`);
  const answers = /^(answer|error) .*$/gm;
  return {
    async hello(name) {
      const before = count(answers);
      child.send(name);
      await eventually(() => count(answers) > before, { what: 'the consumer answers', timeoutMs: 100_000 });
      return child.stdout().match(answers)?.[before] ?? '';
    },
    stop: () => child.stop(),
  };
}
