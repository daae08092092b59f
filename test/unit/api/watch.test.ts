import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { get } from '../../support/http.ts';
import { type OpenWatch, sampleLists, watchServer } from '../../support/watch-server.ts';

type Server = Awaited<ReturnType<typeof watchServer>>;

let server: Server;
beforeEach(async () => {
  server = await watchServer();
});
afterEach(() => server.close());

const told = (watch: OpenWatch, want: readonly string[]) =>
  eventually(() => watch.summary().join() === want.join(), { what: `${want.join()}` }).catch(() =>
    expect(watch.summary()).toEqual(want),
  );
const list = async (): Promise<string> =>
  JSON.parse((await get(server.port, { path: sampleLists })).body).metadata.resourceVersion;
const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

describe('a watch', () => {
  it('without a version starts with all objects, then sends changes', async () => {
    await server.put('one');
    const watch = server.watch('');
    await told(watch, ['ADDED one']);
    expect(await watch.answered).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    await server.put('two');
    await server.put('one', { hosts: ['b'] });
    await server.remove('two');
    await told(watch, ['ADDED one', 'ADDED two', 'MODIFIED one', 'DELETED two']);
    expect(watch.events.map(({ object }) => object.metadata.resourceVersion)).toEqual(['1', '2', '3', '4']);
    expect(watch.events[2]?.object).toMatchObject({ apiVersion: 'sample.binnacle.io/v1', spec: { hosts: ['b'] } });
  });

  it('sends added, changed and removed objects of files, which have no store version', async () => {
    await server.put('written');
    server.file('one', ['a']);
    const watch = server.watch('');
    await told(watch, ['ADDED one', 'ADDED written']);
    const version = await list();
    server.file('two', ['a']);
    server.file('one', ['b']);
    server.file('two', null);
    const later = server.watch(`&resourceVersion=${version}`);
    await told(watch, ['ADDED one', 'ADDED written', 'MODIFIED one', 'DELETED two']);
    expect(watch.events[2]?.object).toMatchObject({
      metadata: { annotations: { 'binnacle.io/defined-in': 'test.yaml#1' }, resourceVersion: '0' },
      spec: { hosts: ['b'] },
    });
    await told(later, ['MODIFIED one', 'DELETED two']);
  });

  it('continues from the version of a list without duplicates or losses', async () => {
    await server.put('one');
    const version = await list();
    await server.put('two');
    const watch = server.watch(`&resourceVersion=${version}`);
    await told(watch, ['ADDED two']);
    await server.put('three');
    await told(watch, ['ADDED two', 'ADDED three']);
  });

  it('sends its headers before the first event', async () => {
    expect(await server.watch('').answered).toMatchObject({ status: 200 });
  });

  it('sends events of one namespace only', async () => {
    const watch = server.watch(sampleLists.replace('v1/', 'v1/namespaces/other/').concat('?watch=true'));
    await watch.answered;
    await server.put('here');
    await server.put('there', { namespace: 'other' });
    await told(watch, ['ADDED there']);
  });

  it('with a selector sends ADDED when an object starts to match, and DELETED when it stops', async () => {
    await server.put('one', { team: 'b' });
    await server.put('two', { team: 'a' });
    const watch = server.watch('&team=a');
    await told(watch, ['ADDED two']);
    await server.put('one', { team: 'a' });
    await server.put('two', { team: 'b', hosts: ['changed'] });
    await server.put('two', { team: 'c' });
    await server.remove('two');
    await told(watch, ['ADDED two', 'ADDED one', 'DELETED two']);
    const deleted = watch.events[2]?.object;
    expect(deleted).toMatchObject({ metadata: { resourceVersion: '4' }, spec: { hosts: ['a'] } });
    expect(deleted.status).toBeUndefined();
  });

  it('sends a status change as a modification without a new version', async () => {
    await server.put('one');
    const watch = server.watch('');
    await told(watch, ['ADDED one']);
    server.acknowledge('one');
    await told(watch, ['ADDED one', 'MODIFIED one']);
    expect(watch.events[1]?.object).toMatchObject({
      metadata: { resourceVersion: '1' },
      status: { proxies: { acknowledged: 1 } },
    });
  });

  it('sends a status change that happened between the list and the watch', async () => {
    await server.put('one');
    const version = await list();
    server.acknowledge('one');
    const watch = server.watch(`&resourceVersion=${version}`);
    await told(watch, ['MODIFIED one']);
    expect(watch.events[0]?.object.status.proxies.acknowledged).toBe(1);
  });

  it('sends a client that watches again the statuses that it may have missed', async () => {
    await server.put('one');
    const first = server.watch('');
    await told(first, ['ADDED one']);
    first.abandon();
    server.acknowledge('one');
    const again = server.watch('&resourceVersion=1');
    await told(again, ['MODIFIED one']);
    server.clock.advance(31_000);
    const later = server.watch('&resourceVersion=1');
    await later.answered;
    await server.put('two');
    await told(later, ['ADDED two']);
  });

  it('does not repeat a status that the list has shown', async () => {
    await server.put('one');
    const other = server.watch('');
    await told(other, ['ADDED one']);
    server.acknowledge('one');
    await told(other, ['ADDED one', 'MODIFIED one']);
    const watch = server.watch(`&resourceVersion=${await list()}`);
    await watch.answered;
    await server.put('two');
    await told(watch, ['ADDED two']);
  });

  it('sends statuses of selected objects only, and of no deleted ones', async () => {
    await server.put('one', { team: 'a' });
    await server.put('two', { team: 'b' });
    const watch = server.watch('&team=a');
    await told(watch, ['ADDED one']);
    server.acknowledge('two', 'gone', 'one');
    await told(watch, ['ADDED one', 'MODIFIED one']);
  });

  it('does not send the status of an object before its change', async () => {
    await server.put('one');
    const watch = server.watch('');
    await told(watch, ['ADDED one']);
    const read = server.store.get;
    vi.spyOn(server.store, 'get').mockImplementationOnce(async (key) => {
      await server.put('one', { hosts: ['b'] }); // changed while its status is being sent
      return read(key);
    });
    server.acknowledge('one');
    await told(watch, ['ADDED one', 'MODIFIED one']);
    expect(watch.events[1]?.object).toMatchObject({ metadata: { resourceVersion: '2' }, spec: { hosts: ['b'] } });
    await server.put('two');
    await told(watch, ['ADDED one', 'MODIFIED one', 'ADDED two']);
  });

  it('sends 410 as an event when the version is not in the log, and ends', async () => {
    const watch = server.watch('&resourceVersion=99');
    expect(await watch.ended).toBe('complete');
    expect(await watch.answered).toMatchObject({ status: 200 });
    expect(watch.events).toMatchObject([
      { type: 'ERROR', object: { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired' } },
    ]);
  });

  it('sends a bookmark once a minute on request', async () => {
    await server.put('one');
    const [with_, without] = [server.watch('&allowWatchBookmarks=true'), server.watch('')];
    await Promise.all([told(with_, ['ADDED one']), told(without, ['ADDED one'])]);
    server.clock.advance(60_000);
    await told(with_, ['ADDED one', 'BOOKMARK']);
    expect(with_.events[1]?.object).toEqual({
      kind: 'SampleRoute',
      apiVersion: 'sample.binnacle.io/v1',
      metadata: { creationTimestamp: null, resourceVersion: '1' },
    });
    server.clock.advance(60_000);
    await told(with_, ['ADDED one', 'BOOKMARK', 'BOOKMARK']);
    await server.put('two');
    await told(with_, ['ADDED one', 'BOOKMARK', 'BOOKMARK', 'ADDED two']);
    await told(without, ['ADDED one', 'ADDED two']);
  });

  it('marks the end of the initial objects for a client that lists by watching', async () => {
    await server.put('one');
    const query = '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const watch = server.watch(`${query}&resourceVersion=1`);
    await told(watch, ['ADDED one', 'BOOKMARK']);
    expect(watch.events[1]?.object.metadata).toMatchObject({
      resourceVersion: '1',
      annotations: { 'k8s.io/initial-events-end': 'true' },
    });
    await server.put('two');
    await told(watch, ['ADDED one', 'BOOKMARK', 'ADDED two']);
    expect((await server.watch(`${query}&resourceVersion=77`).answered).status).toBe(410);
  });

  it('without initial events starts with the next change', async () => {
    await server.put('one');
    const watch = server.watch('&sendInitialEvents=false&resourceVersionMatch=NotOlderThan');
    await watch.answered;
    await eventually(() => server.watches.count === 1, { what: 'the watch' });
    await server.put('two');
    await told(watch, ['ADDED two']);
  });

  it('ends after its timeout, by default after half an hour to an hour', async () => {
    const [short, long] = [server.watch('&timeoutSeconds=5&allowWatchBookmarks=true'), server.watch('')];
    await Promise.all([short.answered, long.answered]);
    server.clock.advance(5_000);
    expect(await short.ended).toBe('complete');
    expect(short.summary()).toEqual(['BOOKMARK']);
    server.clock.advance(44 * 60_000);
    await server.put('still');
    await told(long, ['ADDED still']);
    await server.put('open');
    await told(long, ['ADDED still', 'ADDED open']);
    server.clock.advance(60_000);
    expect(await long.ended).toBe('complete');
  });

  it('sends tables, with columns in the first event only', async () => {
    await server.put('one');
    const watch = server.watch('', { accept: tableType });
    await told(watch, ['ADDED one']);
    await server.put('one', { hosts: ['b'] });
    await told(watch, ['ADDED one', 'MODIFIED one']);
    const [first, second] = watch.events;
    expect(first?.object.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual([
      ...['Name', 'Hosts', 'Mode', 'Programmed', 'Reason', 'Proxies', 'Defined in', 'Age'],
    ]);
    expect(first?.object).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '1' },
    });
    expect(second?.object.columnDefinitions).toBeNull();
    expect(second?.object.rows[0]).toMatchObject({
      cells: ['one', 'b', '', 'False', 'Pending', '0/5', '', '0s'],
      object: { kind: 'PartialObjectMetadata', metadata: { name: 'one' } },
    });
  });

  it('ends properly when the server stops, with the last events', async () => {
    const watch = server.watch('');
    await watch.answered;
    await server.put('one');
    const closing = server.close();
    expect(await watch.ended).toBe('complete');
    expect(watch.summary()).toEqual(['ADDED one']);
    await closing;
  });

  for (const { query, code, want } of [
    { query: '&resourceVersion=abc', code: 400, want: 'resourceVersion must be a number' },
    { query: '&timeoutSeconds=-1', code: 400, want: 'timeoutSeconds must be a whole number' },
    { query: '&sendInitialEvents=true', code: 422, want: 'resourceVersionMatch: must be NotOlderThan' },
    { query: '&resourceVersionMatch=NotOlderThan', code: 422, want: 'resourceVersionMatch: is for watches with' },
    {
      query: '&sendInitialEvents=true&resourceVersionMatch=Exact',
      code: 422,
      want: 'resourceVersionMatch: must be one of NotOlderThan',
    },
    { query: '&continue=x', code: 422, want: 'continue: is for lists' },
    { query: '&includeObject=All', code: 400, want: 'includeObject must be None, Metadata or Object', table: true },
  ]) {
    it(`rejects ${query}`, async () => {
      const path = `${sampleLists}?watch=true${query}`;
      const answer = await get(server.port, { path, headers: { accept: tableType } });
      expect(answer.status).toBe(code);
      expect(JSON.parse(answer.body).message).toContain(want);
    });
  }
});

describe('many or faulty watches', () => {
  it('release a client that disconnects at once', async () => {
    const watch = server.watch('');
    await watch.answered;
    await eventually(() => server.watches.count === 1, { what: 'the watch' });
    watch.abandon();
    await eventually(() => server.watches.count === 0, { what: 'the end of the watch' });
  });

  it('above the limit are rejected with 429, and accepted again when another has ended', async () => {
    await server.close();
    server = await watchServer({ maxWatches: 2 });
    const open = [server.watch(''), server.watch('')];
    await Promise.all(open.map(({ answered }) => answered));
    const refused = await get(server.port, { path: `${sampleLists}?watch=true` });
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
    expect(JSON.parse(refused.body)).toMatchObject({ reason: 'TooManyRequests' });
    open[0]?.abandon();
    await eventually(() => server.watches.count === 1, { what: 'the end of a watch' });
    expect(await server.watch('').answered).toMatchObject({ status: 200 });
  });

  it('buffer nothing for a client that does not read: it gets 410 when it reads again', async () => {
    const watch = server.watch('&resourceVersion=0');
    await watch.answered;
    watch.pause();
    const big = 'x'.repeat(20_000);
    for (let round = 0; round < 120; round++) {
      await server.putMany(50, [`${round}${big}`]);
      for (let turn = 0; turn < 40; turn++) await nextTurn(); // time to write, if it were read
    }
    watch.resume();
    expect(await watch.ended).toBe('complete');
    expect(watch.events.at(-1)).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    expect(watch.events.length).toBeLessThan(3_000); // of 6,000 changes: only the socket's buffers
  }, 60_000);

  it('disconnect a client that does not read some seconds after the end of its watch', async () => {
    const watch = server.watch('&timeoutSeconds=60');
    await watch.answered;
    watch.pause();
    for (let round = 0; round < 40; round++) {
      await server.putMany(50, [`${round}${'x'.repeat(20_000)}`]);
      for (let turn = 0; turn < 40; turn++) await nextTurn();
    }
    server.clock.advance(60_000);
    await eventually(() => server.watches.count === 0, { what: 'the end of the watch' });
    server.clock.advance(5_000);
    watch.resume();
    expect(await watch.ended).toBe('broken');
  });

  it('each receive all changes in order', async () => {
    const watches = Array.from({ length: 120 }, () => server.watch(''));
    await Promise.all(watches.map(({ answered }) => answered));
    await server.putMany(300);
    const want = Array.from({ length: 300 }, (_, index) => `ADDED r${String(index).padStart(5, '0')}`).join();
    await eventually(() => watches.every((watch) => watch.summary().join() === want), { what: 'all events' });
  });

  it('unsubscribe from statuses when nobody has listed or watched for a minute', async () => {
    await list();
    expect(server.listeners.size).toBe(1);
    const watch = server.watch('');
    await watch.answered;
    server.clock.advance(20 * 60_000);
    expect(server.listeners.size).toBe(1);
    watch.abandon();
    await eventually(() => server.watches.count === 0, { what: 'the end of the watch' });
    server.clock.advance(60_000);
    expect(server.listeners.size).toBe(0);
  });
});
