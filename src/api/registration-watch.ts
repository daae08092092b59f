import type { FastifyReply } from 'fastify';
import type { RegistrationBook, RegistrationEvent } from '../platform/registration.ts';
import { describeInstance } from './registration-schema.ts';

/** Limit of unread bytes. A slower client is disconnected; its next watch starts with the whole list. */
const maxBehindBytes = 1_048_576;

/** Scope of a watch: one service or a whole namespace. */
export interface RegistrationScope {
  readonly namespace: string;
  readonly host: string | null;
}

/**
 * Streams newline-delimited JSON until the client disconnects: every instance as `put`, one `synced`, then each change.
 * It subscribes before it lists, so no change is lost.
 */
export async function streamEvents(
  reply: FastifyReply,
  book: RegistrationBook,
  { namespace, host }: RegistrationScope,
): Promise<FastifyReply> {
  const waiting: RegistrationEvent[] = [];
  let isListed = false;
  const stop = book.watch((event) => {
    const key = event.type === 'put' ? event.instance : event.key;
    if (key.namespace !== namespace || (host !== null && key.host !== host)) return;
    if (isListed) send(event);
    else waiting.push(event);
  });
  const instances = await book.instances(namespace, host ?? undefined);

  reply.hijack(); // without this, fastify waits for the answer to end
  const { raw } = reply;
  raw.on('close', stop);
  raw.on('error', stop);
  if (raw.destroyed) stop();
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  for (const instance of instances) write(`{"type":"put","instance":${JSON.stringify(describeInstance(instance))}}`);
  write('{"type":"synced"}');
  isListed = true;
  for (const event of waiting) send(event);
  return reply;

  function send(event: RegistrationEvent): void {
    write(JSON.stringify(event.type === 'put' ? { ...event, instance: describeInstance(event.instance) } : event));
    if (raw.writableLength <= maxBehindBytes) return;
    stop();
    raw.destroy();
  }

  function write(line: string): void {
    raw.write(`${line}\n`);
  }
}
