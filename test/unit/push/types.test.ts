import { describe, expect, it } from 'vitest';

import { createTables } from '../../../src/compile/tables/tables.ts';
import { encodeResource, resourceBody, typeRows, xdsTypes } from '../../../src/proto/resource.ts';
import { discoveryServices } from '../../../src/push/discovery/services.ts';
import { ServedLayers, viewOf } from '../../../src/push/served-layers.ts';
import { Server, Talker } from '../../support/conversation.ts';
import { layerKey } from '../../support/fake-compiler.ts';

/** One table of types: whatever stands between the compiler and the wire is derived from its rows. */
describe.each(xdsTypes)('the type %s', (type) => {
  const row = typeRows[type];

  it('has a table in every layer if it is compiled, and in the view of streams', () => {
    const tables = createTables(layerKey('scope'));
    const resource = encodeResource(type, 'a', Buffer.from('body'));
    tables.set(type, resource);
    expect(tables.takeChanges()).toEqual([{ layer: 'scope', type, changed: [resource], removed: [] }]);
    const layer = new ServedLayers().acquire(layerKey('scope'), 1);
    expect(layer.tables[type].type).toBe(type);
    expect(viewOf([layer])[type]).toEqual([layer.tables[type]]);
    expect(resourceBody(type, resource)).toEqual(Buffer.from('body'));
  });

  it('has its own service with three methods', () => {
    const service = discoveryServices.find(({ only }) => only?.type === type);
    expect(service).toMatchObject({ short: row.short, name: row.service, only: { typeUrl: row.typeUrl } });
    expect(service?.methods.map(({ name }) => name)).toEqual([`Stream${row.plural}`, `Delta${row.plural}`]);
  });

  for (const mode of ['sotw', 'delta'] as const) {
    it(`is served by name over ${mode}, and an unknown name is answered as its row defines`, () => {
      const server = new Server();
      server.commit({ [type]: { a: '1' } });
      const client = new Talker(server, mode);
      const unknown = { empty: ' b=∅', removed: mode === 'delta' ? ' -b' : '', unanswered: '' }[row.unknown];
      expect(client.asks(type, ['a', 'b'])).toEqual([`${row.short} a=1${unknown}`]);
      client.acks(type);
      server.commit({ [type]: { b: '2' } });
      expect(client.hears()).toEqual([`${row.short} ${row.isWhole && mode === 'sotw' ? 'a=1 ' : ''}b=2`]);
    });
  }
});
