import type { AdapterContext } from '../../src/adapter-contract/adapter.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';

/** Builds an adapter's context: a silent log, no other adapters, no metrics. */
export const adapterContext = (given: Partial<AdapterContext> & Pick<AdapterContext, 'dataDir'>): AdapterContext => ({
  name: 'test',
  clock: systemClock,
  log: silentLogger,
  domainSuffix: 'cluster.local',
  registrationRefusal: () => null,
  registryWriters: () => new Map(),
  openShard: () => {
    throw new Error('this test opens no further shards');
  },
  observer: {
    leases: () => ({ expired: () => {} }),
    watches: () => ({ ignored: () => {}, differed: () => {}, relisted: () => {} }),
  },
  ...given,
});
