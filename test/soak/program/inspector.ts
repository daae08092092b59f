import type { Child } from '../../support/child.ts';
import { eventually } from '../../support/eventually.ts';

/** Evaluates expressions in a running program, like a debugger. The program has no interface for this. */
export interface Inspector {
  /** Returns the value of an expression, which must be JSON. Rejects with the expression's error. */
  evaluate(expression: string): Promise<unknown>;
  /** Runs a full garbage collection. */
  collectGarbage(): Promise<void>;
  close(): void;
}

/** Value of `NODE_OPTIONS` for the program; the system chooses the port. */
export const inspectorOptions = '--inspect=127.0.0.1:0';

/** Connects to a program that was started with `inspectorOptions`. */
export async function openInspector(child: Child): Promise<Inspector> {
  const [, url = ''] = await eventually(() => /^Debugger listening on (ws:\S+)$/m.exec(child.stderr()), {
    what: 'the inspector of the program',
  });
  const socket = new WebSocket(url);
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error(`no connection to the inspector at ${url}`));
  });
  const waiting = new Map<number, { resolve(result: Answer): void; reject(error: Error): void }>();
  let lastId = 0;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(String(data)) as { id?: number; result?: Answer; error?: { message: string } }; // the protocol's
    const asked = waiting.get(message.id ?? 0);
    waiting.delete(message.id ?? 0);
    if (message.error !== undefined) asked?.reject(new Error(message.error.message));
    else asked?.resolve(message.result ?? {});
  };
  socket.onclose = () => {
    for (const { reject } of waiting.values()) reject(new Error('the inspector has gone'));
  };
  const ask = (method: string, params: object = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params }));
    });
  return {
    async evaluate(expression) {
      const { result, exceptionDetails } = await ask('Runtime.evaluate', { expression, returnByValue: true });
      if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
      return result?.value;
    },
    collectGarbage: async () => void (await ask('HeapProfiler.collectGarbage')),
    close: () => socket.close(),
  };
}

interface Answer {
  readonly result?: { readonly value?: unknown };
  readonly exceptionDetails?: unknown;
}
