import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/cli/rules/client.ts';
import { noCredentials } from '../../../src/cli/rules/credentials.ts';
import type { ServedKind } from '../../../src/cli/rules/kinds.ts';
import { watchTarget } from '../../../src/cli/rules/watch.ts';
import type { WatchFormat } from '../../../src/cli/rules/watch-printer.ts';
import { cliWorld } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { startStub } from '../../support/http-stub.ts';

const kind: ServedKind = {
  kind: 'SampleRoute',
  plural: 'sampleroutes',
  singular: 'sampleroute',
  shortNames: [],
  categories: [],
  group: 'sample.io',
  versions: ['v1'],
  namespaced: true,
};

const object = (name: string, resourceVersion: string) => ({
  metadata: { name, namespace: 'default', resourceVersion },
});

/** Starts a server whose lists and watches the test defines. */
async function watched(format: WatchFormat = 'name') {
  const asked: string[] = [];
  const answers: ((response: ServerResponse) => void)[] = [];
  const server = await startStub((request, response) => {
    asked.push(decodeURIComponent(request.url ?? '').replace(/^.*sampleroutes\??/, ''));
    const answer = answers.shift();
    response.writeHead(200, { 'content-type': 'application/json' });
    if (answer === undefined)
      response.flushHeaders(); // a watch without events
    else answer(response);
  });
  const stop = new AbortController();
  const { context, out, errors } = cliWorld();
  const client = createClient({
    server,
    from: '--server',
    namespace: '',
    author: '',
    credentials: noCredentials,
    timeoutMs: 60_000,
    warn: () => {},
  });
  const list = (resourceVersion: string, ...items: object[]) =>
    answers.push((response) => void response.end(JSON.stringify({ metadata: { resourceVersion }, items })));
  const watch = (...lines: (object | string)[]) =>
    answers.push((response) => {
      const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
      response.end(texts.map((text) => `${text}\n`).join(''));
    });
  return {
    asked,
    errors,
    out,
    list,
    watch,
    breakOff: () => answers.push((response) => void response.destroy()),
    stop: () => stop.abort(),
    run: () =>
      watchTarget({
        client,
        kind,
        namespace: 'default',
        selector: 'app=a',
        name: null,
        format,
        context,
        stop: stop.signal,
      }),
    /** Runs until this number of requests has arrived. */
    async runFor(requests: number) {
      const running = this.run();
      await eventually(() => asked.length >= requests, { what: `${requests} requests` });
      stop.abort();
      await running;
    },
  };
}

const watchQuery = (version: string) =>
  `labelSelector=app=a&watch=true&allowWatchBookmarks=true&resourceVersion=${version}`;

describe('get --watch', () => {
  it('continues at the last version of an ended watch, including bookmarks, and never moves back', async () => {
    const server = await watched();
    server.list('7', object('a', '3'));
    server.watch(
      { type: 'MODIFIED', object: object('a', '8') },
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '12' } } },
      { type: 'MODIFIED', object: object('a', '8') },
    );
    server.watch({ type: 'ADDED', object: object('b', '13') });
    await server.runFor(4);
    expect(server.asked).toEqual(['labelSelector=app=a', watchQuery('7'), watchQuery('12'), watchQuery('13')]);
    expect(server.out()).toBe(
      [
        'ADDED sampleroute.sample.io/a',
        'MODIFIED sampleroute.sample.io/a',
        'MODIFIED sampleroute.sample.io/a',
        'ADDED sampleroute.sample.io/b',
        '',
      ].join('\n'),
    );
    expect(server.errors).toEqual([]);
  });

  it('lists again and prints differences when the version is no longer in the log', async () => {
    const server = await watched();
    server.list('7', object('same', '1'), object('changed', '2'), object('gone', '3'));
    server.watch({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } });
    server.list('20', object('same', '1'), object('changed', '15'), object('new', '16'));
    await server.runFor(4);
    expect(server.asked.slice(2)).toEqual(['labelSelector=app=a', watchQuery('20')]);
    expect(server.out().split('\n').slice(3)).toEqual([
      'MODIFIED sampleroute.sample.io/changed',
      'ADDED sampleroute.sample.io/new',
      '',
    ]);
    expect(server.errors).toEqual(['deleted meanwhile: default/gone']);
  });

  it('reports an interruption once and continues', async () => {
    const server = await watched();
    server.list('7');
    server.breakOff();
    server.breakOff();
    server.watch({ type: 'ADDED', object: object('a', '8') });
    await server.runFor(5);
    expect(server.errors).toEqual([
      expect.stringMatching(/^the watch was interrupted, and is tried again: .* cannot be reached/),
    ]);
    expect(server.out()).toBe('ADDED sampleroute.sample.io/a\n');
  });

  it('prints JSON as one event per line', async () => {
    const server = await watched('json');
    server.list('7', object('a', '3'));
    await server.runFor(2);
    expect(server.out()).toBe(`${JSON.stringify({ type: 'ADDED', object: object('a', '3') })}\n`);
  });

  it('aligns later rows with the table, using the columns of the first event', async () => {
    const server = await watched('table');
    const row = (name: string, cell: string) => ({ cells: [name, cell], object: object(name, '1') });
    const table = (rows: object[], columns: object | null) => ({ kind: 'Table', columnDefinitions: columns, rows });
    const columns = [{ name: 'Name' }, { name: 'Hosts' }, { name: 'More', priority: 1 }];
    server.watch({ ...table([row('reviews', 'a')], columns), metadata: { resourceVersion: '7' } });
    server.watch({ type: 'DELETED', object: table([row('b', '\u001b[2J')], null) });
    await server.runFor(3);
    expect(server.out()).toBe(
      ['EVENT      NAME      HOSTS', 'ADDED      reviews   a', 'DELETED    b         \\x1b[2J', ''].join('\n'),
    );
  });

  it('fails at once when the first list is rejected', async () => {
    const server = await watched();
    server.breakOff();
    await expect(server.run()).rejects.toThrow('cannot be reached');
  });

  for (const line of ['no json', '[]', '{"type":"ADDED"}']) {
    it(`rejects ${line} as an event`, async () => {
      const server = await watched();
      server.list('7');
      server.watch(line);
      await server.runFor(3);
      expect(server.errors.join()).toContain('sent an invalid event');
      expect(server.out()).toBe('');
    });
  }

  it('ends at once on request while the server is silent', async () => {
    const server = await watched();
    const running = server.run();
    await eventually(() => server.asked.length === 1, { what: 'the list is asked for' });
    server.stop();
    await running;
    expect(server.errors).toEqual([]);
  });
});
