import { expect, it } from 'vitest';
import { type Logger, silentLogger } from '../../../src/lib/logger.ts';
import type { RawObject } from '../../../src/model/object.ts';
import type { Client } from '../../../src/push/client.ts';
import { ruleBook } from '../../../src/rules/book/rule-book.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import { createChangeLogger } from '../../../src/telemetry/change-logger.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { rawObject, service } from '../../support/model.ts';

function listening() {
  const clock = fakeClock();
  const lines: string[] = [];
  const line = (facts: object, message: string) => lines.push(`${message} ${JSON.stringify(facts)}`);
  const log: Logger = { ...silentLogger, info: line, warn: line };
  const book = ruleBook({ kinds: ruleKinds, mesh: defaultMeshConfig });
  const logger = createChangeLogger({ book, clock, log });
  const file = (...objects: readonly RawObject[]) => book.replace('files', objects);
  return { clock, book, logger, file, said: () => lines.splice(0) };
}

const rule = (name: string, hosts: unknown = ['a']) =>
  rawObject('VirtualService', name, { hosts, http: [{ route: [{ destination: { host: 'a' } }] }] });
// Only the proxy of a client is used.
const client = (id: string) => ({ proxy: { id } }) as Client;

it('logs added, changed and removed rules together and once', () => {
  const { clock, file, said } = listening();
  file(rule('a'), rule('b'));
  file(rule('a'), rule('b', ['c']));
  expect(said()).toEqual([]);
  clock.advance(200);
  expect(said()).toEqual([
    'rules changed {"came":["VirtualService/default/a (test.yaml#1)","VirtualService/default/b (test.yaml#1)"],"now":2}',
  ]);
  file(rule('a', ['c']));
  clock.advance(1_000);
  expect(said()).toEqual([
    'rules changed {"changed":["VirtualService/default/a (test.yaml#1)"],"went":["VirtualService/default/b"],"now":1}',
  ]);
});

it('logs at most one line of each kind per second', () => {
  const { clock, file, logger, said } = listening();
  for (let round = 0; round < 100; round++) {
    file(...Array.from({ length: 50 }, (_, index) => rule(`r${index}`, [`h${round}`])));
    logger.applied(
      Array.from({ length: 50 }, (_, index) => ({
        type: 'service',
        service: service(`s${index}`, { createdAtMs: round }),
      })),
    );
    clock.advance(100);
  }
  const lines = said();
  expect(lines.length).toBeLessThanOrEqual(2 * 11);
  expect(lines[0]).toContain('and 40 more');
});

it('logs sidecars by their first and last stream, and services', () => {
  const { clock, logger, said } = listening();
  logger.connected(client('web'));
  logger.connected(client('web'));
  logger.applied([{ type: 'service', service: service('reviews') }, { type: 'endpoints' }]);
  clock.advance(1_000);
  expect(said()).toEqual([
    'services changed {"came":["default/reviews"],"now":1}',
    'sidecars changed {"came":["web"],"now":1}',
  ]);
  logger.disconnected(client('web'), 'gone');
  clock.advance(1_000);
  expect(said()).toEqual([]);
  logger.disconnected(client('web'), 'gone');
  logger.applied([{ type: 'service-removed', key: 'default/reviews' }]);
  clock.advance(1_000);
  expect(said()).toEqual([
    'services changed {"went":["default/reviews"],"now":0}',
    'sidecars changed {"went":["web"],"now":0}',
  ]);
});

it('logs a mistake in a rule of a file once while it persists, with the file', () => {
  const { file, said } = listening();
  file(rule('a', 'no list'));
  expect(said()).toEqual([
    expect.stringMatching(/^rule of a file not in effect .*"origin":"test.yaml#1".*spec.hosts: /),
  ]);
  file(rule('a', 'no list'), rule('b'));
  expect(said()).toEqual([]);
  file(rule('a'));
  file(rule('a', 'no list'));
  expect(said()).toHaveLength(1);
});
