import { systemClock } from '../../src/lib/clock.ts';
import type { StoreWrite } from '../../src/rules/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { draft, keyOfDraft } from './drafts.ts';
import { randomNumbers } from './store-random.ts';

/*
 * A process that writes until it is killed: single writes, batches and removals of several concurrent writers. It
 * prints one line for each acknowledged transaction: `put NAMESPACE/NAME REVISION, removed …`. The user agent of its
 * audit entries is `ID/SIZE` of the transaction.
 */
const [path = '', seed = '0'] = process.argv.slice(2);
const store = await openSqliteStore({ path, clock: systemClock });
const names = Array.from({ length: 40 }, (_, index) => `n${index}`);

async function writeForEver(namespace: string, random: () => number): Promise<never> {
  const { items } = await store.list('VirtualService', namespace);
  const there = new Set(items.map(({ metadata }) => metadata.name));
  for (let count = 0; ; count++) {
    const size = random() < 0.5 ? 1 : 1 + Math.floor(random() * 12);
    const first = Math.floor(random() * names.length);
    const chosen = [...names, ...names].slice(first, first + size);
    const writes = chosen.map((name): StoreWrite => {
      if (there.has(name) && random() < 0.3) {
        return { type: 'remove', key: keyOfDraft({ namespace, name }), expectedResourceVersion: null };
      }
      return {
        type: 'apply',
        draft: draft({ namespace, name, spec: { by: `${seed}-${count}`, pad: 'x'.repeat(300) } }),
      };
    });
    const request = { verb: 'batch', remote: '', userAgent: `${seed}-${namespace}-${count}/${size}` };
    const result = await store.transact(writes, { author: 'writer', request });
    if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
    const { value: written } = result;
    const lines = written.map(({ action, object: { metadata } }) => {
      if (action === 'removed') there.delete(metadata.name);
      else there.add(metadata.name);
      return action === 'removed'
        ? `removed ${namespace}/${metadata.name}`
        : `put ${namespace}/${metadata.name} ${metadata.resourceVersion}`;
    });
    process.stdout.write(`${lines.join(', ')}\n`);
  }
}

const random = randomNumbers(Number(seed));
await Promise.all(['one', 'two', 'three'].map((namespace) => writeForEver(namespace, random)));
