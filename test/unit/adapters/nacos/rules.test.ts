import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configsOfGroup, matcher } from '../../../../adapters/nacos/config-listing.ts';
import type { HttpGet } from '../../../../adapters/nacos/listing.ts';
import { noLogin } from '../../../../adapters/nacos/login.ts';
import { createRuleTexts } from '../../../../adapters/nacos/rule-texts.ts';
import { followRules, type RuleSource } from '../../../../adapters/nacos/rules.ts';
import { createRotation } from '../../../../adapters/nacos/servers.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { eventually } from '../../../support/eventually.ts';
import { type FakeNacos, startFakeNacos } from '../../../support/nacos/fake-server.ts';

const route = (name: string, timeout = '2s') => `kind: VirtualService
apiVersion: networking.istio.io/v1
metadata: { name: ${name} }
spec: { hosts: [${name}], http: [{ timeout: ${timeout}, route: [{ destination: { host: ${name} } }] }] }
`;

let server: FakeNacos;
let end: () => Promise<void>;
beforeEach(async () => {
  server = await startFakeNacos();
});
afterEach(async () => {
  await end();
  server.stop();
});

/** Follows rules. `listed` are the names that the server lists; null if it refuses that. */
function follow(dataIds: readonly string[]) {
  const objects = new Map<string, string>();
  const problems = new Map<string, readonly string[]>();
  const state = { listed: [] as readonly string[] | null, ready: 0 };
  const get: HttpGet = async (path) => {
    if (path !== '/v3/admin/cs/config/list' || state.listed === null) return null;
    return { data: { totalCount: state.listed.length, pageItems: state.listed.map((dataId) => ({ dataId })) } };
  };
  const abort = new AbortController();
  const sources: readonly RuleSource[] = [{ namespace: 'public', group: 'G', dataIds }];
  const start = () => {
    const running = followRules(
      {
        namespace: 'public',
        sources,
        texts: createRuleTexts('cluster.local'),
        get,
        listSeconds: 0.02,
        reconcileSeconds: 300,
        rotation: createRotation([{ target: server.address, url: '' }]),
        security: async () => ({ credentials: credentials.createInsecure(), serverName: null }),
        login: noLogin,
        clock: systemClock,
        log: silentLogger,
        changed(changes) {
          for (const change of changes) {
            if (change.type === 'object')
              objects.set(change.object.metadata.name, `${change.object.origin} ${JSON.stringify(change.object.spec)}`);
            else if (change.type === 'object-removed') objects.delete(change.name);
          }
        },
        report: (origin, messages) =>
          void (messages.length === 0 ? problems.delete(origin) : problems.set(origin, messages)),
        ready() {
          state.ready += 1;
        },
        lost: () => {},
      },
      abort.signal,
    );
    end = async () => {
      abort.abort();
      await running;
    };
  };
  return {
    state,
    problems,
    start,
    /** Names of rules with their origins. */
    rules: () => [...objects].map(([name, text]) => `${name} ${text.split(' ')[0]}`).sort(),
    spec: (name: string) => objects.get(name) ?? '',
  };
}

const until = (condition: () => boolean, what: string) => eventually(condition, { what });

describe('rules in configurations of Nacos', () => {
  test('are there before the source is ready, with the configuration as their origin', async () => {
    server.setConfig('routes.yaml', `${route('orders')}---\n${route('ratings')}`);
    const source = follow(['routes.yaml', 'missing.yaml']);
    source.start();
    await until(() => source.state.ready > 0, 'the source is ready');
    expect(source.rules()).toEqual(['orders public/G/routes.yaml#1', 'ratings public/G/routes.yaml#2']);
    expect(source.problems.size).toBe(0);
  });

  test('change and go with their configuration', async () => {
    server.setConfig('routes.yaml', route('orders'));
    const source = follow(['routes.yaml']);
    source.start();
    await until(() => source.state.ready > 0, 'the source is ready');
    server.setConfig('routes.yaml', route('orders', '7s'));
    await until(() => source.spec('orders').includes('7s'), 'the rule is changed');
    server.setConfig('routes.yaml', null);
    await until(() => source.rules().length === 0, 'the rule is gone');
  });

  test('keep the last good content of one that is no YAML, and name it until it is', async () => {
    server.setConfig('routes.yaml', `${route('orders')}---\n${route('ratings')}`);
    const source = follow(['routes.yaml']);
    source.start();
    await until(() => source.state.ready > 0, 'the source is ready');
    server.setConfig('routes.yaml', 'kind: [VirtualService');
    await until(() => source.problems.size > 0, 'the mistake is named');
    expect([...source.problems]).toEqual([['public/G/routes.yaml#1', [expect.stringContaining('line 1')]]]);
    expect(source.rules()).toHaveLength(2);
    server.setConfig('routes.yaml', route('orders'));
    await until(() => source.problems.size === 0, 'the mistake is mended');
    expect(source.rules()).toEqual(['orders public/G/routes.yaml#1']);
  });

  test('leave out what is no rule, and name it', async () => {
    server.setConfig('routes.yaml', `${route('orders')}---\nkind: Service\napiVersion: v1\nmetadata: { name: x }`);
    const source = follow(['routes.yaml']);
    source.start();
    await until(() => source.problems.size > 0, 'the mistake is named');
    expect([...source.problems]).toEqual([['public/G/routes.yaml#2', ['objects of kind Service are no rules']]]);
    expect(source.rules()).toEqual(['orders public/G/routes.yaml#1']);
  });

  test('are found by a pattern, also later, and go when they are no longer listed', async () => {
    for (const name of ['a', 'b']) server.setConfig(`mesh-${name}.yaml`, route(name));
    server.setConfig('other.yaml', route('other'));
    const source = follow(['mesh-*.yaml']);
    source.state.listed = ['mesh-a.yaml', 'other.yaml'];
    source.start();
    await until(() => source.state.ready > 0, 'the source is ready');
    expect(source.rules()).toEqual(['a public/G/mesh-a.yaml#1']);
    source.state.listed = ['mesh-a.yaml', 'mesh-b.yaml'];
    await until(() => source.rules().length === 2, 'the second is found');
    source.state.listed = ['mesh-b.yaml'];
    await until(() => source.rules().length === 1, 'the first is gone');
    expect(source.rules()).toEqual(['b public/G/mesh-b.yaml#1']);
  });

  test('of a pattern stay while the server no longer lists them to this user, which is named', async () => {
    server.setConfig('mesh-a', route('a'));
    const source = follow(['mesh-*']);
    source.state.listed = ['mesh-a'];
    source.start();
    await until(() => source.state.ready > 0, 'the source is ready');
    source.state.listed = null;
    await until(() => source.problems.has('public/G'), 'the refusal is named');
    expect(source.rules()).toHaveLength(1);
  });
});

test('a list of 2.x is read to its end', async () => {
  end = async () => {};
  const names = Array.from({ length: 1_200 }, (_, index) => `c${index}`);
  const get: HttpGet = async (path, { pageNo, pageSize }) => {
    if (path !== '/v1/cs/configs') return null;
    const from = (Number(pageNo) - 1) * Number(pageSize);
    const pageItems = names.slice(from, from + Number(pageSize)).map((dataId) => ({ dataId, group: 'mesh' }));
    return { totalCount: names.length, pageItems };
  };
  expect(await configsOfGroup(get, { namespace: 'public', group: 'mesh' })).toHaveLength(1_200);
});

test('a pattern matches names as a whole; only its asterisk is special', () => {
  end = async () => {};
  const names = ['mesh-a.yaml', 'mesh-.yaml', 'mesh-ayaml', 'x-mesh-a.yaml', 'mesh-a.yaml.old'];
  expect(names.filter(matcher('mesh-*.yaml'))).toEqual(['mesh-a.yaml', 'mesh-.yaml']);
});
