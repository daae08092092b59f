import { systemClock } from '../../src/lib/clock.ts';
import { openSqliteStore } from '../../src/rules/store/sqlite.ts';
import { draft } from './drafts.ts';

// A process that writes until it is killed, and says on standard output, one line each, what was acknowledged.
const [path = ''] = process.argv.slice(2);
const store = await openSqliteStore({ path, clock: systemClock });

async function writeForEver(writer: number): Promise<never> {
  for (let count = 0; ; count++) {
    const name = `w${writer}-${count}`;
    const result = await store.create(draft({ name, spec: { count } }), { author: 'writer' });
    if (result.ok) process.stdout.write(`${name} ${result.value.metadata.resourceVersion}\n`);
  }
}

await Promise.all([1, 2, 3].map(writeForEver));
