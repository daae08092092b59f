import { expect, test } from 'vitest';
import { readPush } from '../../../../adapters/nacos/pushes.ts';

const read = (type: string, body: Record<string, unknown>) => readPush(type, body, 'public');

for (const { title, service, want } of [
  { title: 'with its group', service: { name: 'orders', groupName: 'G' }, want: { group: 'G', name: 'orders' } },
  { title: 'with its group twice', service: { name: 'G@@a@@b', groupName: 'G' }, want: { group: 'G', name: 'a@@b' } },
  { title: 'with its group in the name', service: { name: 'G@@a@@b' }, want: { group: 'G', name: 'a@@b' } },
]) {
  test(`a push names its service ${title}`, () => {
    const push = read('NotifySubscriberRequest', { serviceInfo: { ...service, hosts: null, lastRefTime: 5 } });
    expect(push).toMatchObject({ type: 'service', name: { namespace: 'public', ...want }, info: { hosts: [] } });
  });
}

test('a watch tells new names of its own namespace, and that it has told all', () => {
  const contexts = [
    { serviceKey: 'public@@G@@orders', changedType: 'ADD_SERVICE' },
    { serviceKey: 'public@@G@@gone', changedType: 'DELETE_SERVICE' },
    { serviceKey: 'other@@G@@orders', changedType: 'ADD_SERVICE' },
  ];
  const orders = { namespace: 'public', group: 'G', name: 'orders' };
  expect(read('NamingFuzzyWatchSyncRequest', { syncType: 'FUZZY_WATCH_INIT_NOTIFY', contexts })).toEqual({
    ...{ type: 'names', added: [orders], isComplete: false },
  });
  expect(read('NamingFuzzyWatchSyncRequest', { syncType: 'FINISH_FUZZY_WATCH_INIT_NOTIFY' })).toEqual({
    ...{ type: 'names', added: [], isComplete: true },
  });
  expect(read('NamingFuzzyWatchChangeNotifyRequest', contexts[0] ?? {})).toEqual({
    ...{ type: 'names', added: [orders], isComplete: false },
  });
});

for (const { type, body } of [
  { type: 'NotifySubscriberRequest', body: {} },
  { type: 'NotifySubscriberRequest', body: { serviceInfo: { name: 'a', hosts: 'x' } } },
  { type: 'NamingFuzzyWatchSyncRequest', body: { contexts: [{}] } },
  { type: 'NamingFuzzyWatchChangeNotifyRequest', body: {} },
  { type: 'SomethingNewRequest', body: {} },
]) {
  test(`a message ${type} ${JSON.stringify(body)} does no harm`, () => {
    expect(read(type, body)).toEqual({ type: 'unknown' });
  });
}
