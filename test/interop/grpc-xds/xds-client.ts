import { type GrpcKind, startProgram, type XdsProgramOptions } from './programs.ts';

/** Results of calls: the number of answers by server name, and `CODE: details` of failures. */
export interface CallTally {
  readonly answers: Readonly<Record<string, number>>;
  readonly errors: readonly string[];
}

/**
 * A program that calls `/test.Echo/Who` at `xds:///` targets, each with one channel. It reads commands from its
 * standard input and prints an answer to each, in any order, both as lines of JSON:
 *
 *     {"id": 1, "op": "call", "target": "xds:///a:1", "count": 2, "timeoutMs": 5000, "metadata": {"x-user": "ada"}}
 *     {"id": 1, "answers": {"v1": 2}, "errors": []}
 *
 * `call` makes calls in sequence. `begin` calls a target repeatedly in the background. `collect` returns the results since
 * the last one, `end` stops and returns the rest.
 */
export interface XdsClient {
  call(target: string, count: number, options?: CallOptions): Promise<CallTally>;
  begin(target: string): Promise<CallTally>;
  collect(target: string): Promise<CallTally>;
  end(target: string): Promise<CallTally>;
  stop(): Promise<void>;
}

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Starts a client in the namespace `shop`. */
export async function startXdsClient(
  kind: GrpcKind,
  xdsPort: number,
  tls: Pick<XdsProgramOptions, 'tls'> = {},
): Promise<XdsClient> {
  const { child, stop } = await startProgram(kind, { role: 'client', xdsPort, ...tls });
  const waiting = new Map<number, (tally: CallTally) => void>();
  child.onLine((line) => {
    const { id, ...tally } = JSON.parse(line) as CallTally & { readonly id: number }; // the programs print this
    waiting.get(id)?.(tally);
    waiting.delete(id);
  });
  let asked = 0;
  const ask = async (command: object): Promise<CallTally> => {
    const id = ++asked;
    const answer = new Promise<CallTally>((resolve) => waiting.set(id, resolve));
    child.send(JSON.stringify({ id, ...command }));
    const ended = child.exited.then((status) => {
      throw new Error(`the client of ${kind} ended with ${status}:\n${child.stderr()}`);
    });
    return Promise.race([answer, ended]);
  };
  return {
    call: (target, count, { metadata = {}, timeoutMs = 5_000 } = {}) =>
      ask({ op: 'call', target, count, metadata, timeoutMs }),
    begin: (target) => ask({ op: 'begin', target }),
    collect: (target) => ask({ op: 'collect', target }),
    end: (target) => ask({ op: 'end', target }),
    stop,
  };
}
