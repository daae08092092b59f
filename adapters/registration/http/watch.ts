import type { Lines, RouteAnswer } from '../../../src/adapter-contract/http.ts';
import type { RegistrationBook, RegistrationEvent } from '../contract.ts';
import { describeInstance } from './schema.ts';

/** Scope of a watch: one service or a whole namespace. */
export interface RegistrationScope {
  readonly namespace: string;
  /** Service; null for all. */
  readonly host: string | null;
}

/**
 * Streams until the client disconnects: every instance as `put`, one `synced`, then each change. It subscribes before it
 * lists, so no change is lost.
 */
export async function watched(book: RegistrationBook, { namespace, host }: RegistrationScope): Promise<RouteAnswer> {
  const waiting: RegistrationEvent[] = [];
  let told = (event: RegistrationEvent): void => void waiting.push(event);
  const stop = book.watch((event) => {
    const key = event.type === 'put' ? event.instance : event.key;
    if (key.namespace === namespace && (host === null || key.host === host)) told(event);
  });
  const instances = await book.instances(namespace, host ?? undefined).catch((error: unknown) => {
    stop();
    throw error;
  });
  return {
    type: 'lines',
    begin(lines) {
      if (lines.gone.aborted) return stop();
      lines.gone.addEventListener('abort', stop, { once: true });
      for (const instance of instances) send(lines, { type: 'put', instance });
      lines.write('{"type":"synced"}');
      told = (event) => send(lines, event);
      for (const event of waiting) send(lines, event);
    },
  };
}

const send = (lines: Lines, event: RegistrationEvent): void =>
  lines.write(JSON.stringify(event.type === 'put' ? { ...event, instance: describeInstance(event.instance) } : event));
