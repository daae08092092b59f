import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ageOf } from '../../../src/api/rules/answers/table.ts';
import { get } from '../../support/http.ts';
import { sampleLists, watchServer } from '../../support/watch-server.ts';

describe('an age', () => {
  const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
  for (const { ms, want } of [
    { ms: -5 * second, want: '<invalid>' },
    { ms: -1 * second, want: '0s' },
    { ms: 0, want: '0s' },
    { ms: 119_999, want: '119s' },
    { ms: 2 * minute, want: '2m' },
    { ms: 3 * minute + 20 * second, want: '3m20s' },
    { ms: 10 * minute + 20 * second, want: '10m' },
    { ms: 179 * minute, want: '179m' },
    { ms: 3 * hour, want: '3h' },
    { ms: 7 * hour + 59 * minute, want: '7h59m' },
    { ms: 47 * hour, want: '47h' },
    { ms: 2 * day + 3 * hour, want: '2d3h' },
    { ms: 5 * day, want: '5d' },
    { ms: 8 * day + 3 * hour, want: '8d' },
    { ms: 729 * day, want: '729d' },
    { ms: 730 * day, want: '2y' },
    { ms: 800 * day, want: '2y70d' },
    { ms: 3_000 * day, want: '8y' },
    { ms: Number.NaN, want: '<unknown>' },
  ]) {
    it(`of ${ms} ms is ${want}`, () => expect(ageOf(ms)).toBe(want));
  }
});

describe('a list as a table', () => {
  let server: Awaited<ReturnType<typeof watchServer>>;
  beforeEach(async () => {
    server = await watchServer();
    await server.put('one', { hosts: ['a', 'b'] });
    server.clock.advance(3 * 60_000);
    await server.put('two');
  });
  afterEach(() => server.close());

  const ask = async (accept: string, query = '') => {
    const answer = await get(server.port, { path: `${sampleLists}${query}`, headers: { accept } });
    return { status: answer.status, body: JSON.parse(answer.body) };
  };
  const v1 = 'application/json;as=Table;v=v1;g=meta.k8s.io';

  it('has columns of the kind, of the status, and the age', async () => {
    server.acknowledge('two');
    const { body } = await ask(v1);
    expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: '2' } });
    expect(
      body.columnDefinitions.map(({ name, priority, type }: Record<string, unknown>) => `${name} ${type} ${priority}`),
    ).toEqual([
      'Name string 0',
      'Hosts string 0',
      'Mode string 1',
      'Programmed string 0',
      'Reason string 1',
      'Proxies string 1',
      'Defined in string 1',
      'Age date 0',
    ]);
    expect(body.rows.map(({ cells }: { cells: unknown }) => cells)).toEqual([
      ['one', 'a,b', '', 'False', 'Pending', '0/5', '', '3m'],
      ['two', 'a', '', 'True', 'Programmed', '1/5', '', '0s'],
    ]);
  });

  for (const { query, want } of [
    { query: '', want: { kind: 'PartialObjectMetadata', metadata: { name: 'one', uid: expect.any(String) } } },
    { query: '?includeObject=Metadata', want: { kind: 'PartialObjectMetadata' } },
    { query: '?includeObject=Object', want: { kind: 'SampleRoute', spec: { hosts: ['a', 'b'] } } },
    { query: '?includeObject=None', want: undefined },
  ]) {
    it(`includes the part of the object that ${query || 'no parameter'} requests`, async () => {
      const { object } = (await ask(v1, query)).body.rows[0];
      if (want === undefined) expect(object).toBeUndefined();
      else expect(object).toMatchObject(want);
    });
  }

  for (const { accept, kind } of [
    { accept: `${v1},application/json`, kind: 'Table' },
    { accept: `application/json;as=Table;v=v1beta1;g=meta.k8s.io,${v1},application/json`, kind: 'Table' },
    { accept: 'application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json', kind: 'SampleRouteList' },
    { accept: `application/json;q=0.9,${v1};q=0.5`, kind: 'SampleRouteList' },
    { accept: `application/json;q=0.5,${v1};q=0.9`, kind: 'Table' },
    { accept: 'application/vnd.kubernetes.protobuf,application/json', kind: 'SampleRouteList' },
    { accept: 'text/html,*/*;q=0.8', kind: 'SampleRouteList' },
    { accept: '', kind: 'SampleRouteList' },
  ]) {
    it(`Accept: ${accept} returns a ${kind}`, async () => {
      expect(await ask(accept)).toMatchObject({ status: 200, body: { kind } });
    });
  }

  for (const accept of [
    'application/json;as=Chair;v=v1;g=meta.k8s.io',
    'application/vnd.kubernetes.protobuf',
    'application/json;q=0',
  ]) {
    it(`Accept: ${accept} is rejected with the supported types`, async () => {
      const { status, body } = await ask(accept);
      expect(status).toBe(406);
      expect(body).toMatchObject({
        reason: 'NotAcceptable',
        message: expect.stringContaining('accept application/json'),
      });
    });
  }
});
