import type { Compiled } from '../../compiled.ts';
import type { SidecarSpec } from './schema.ts';

/** Found by the workloads that it selects. Proxies with different Sidecars have different scopes, so its own content tells none apart. */
export const compiledSidecar: Compiled<SidecarSpec> = {
  index: {
    by: 'workload',
    selector({ workloadSelector }) {
      const labels = workloadSelector?.labels ?? {};
      return Object.keys(labels).length === 0 ? null : labels;
    },
  },
  audience: () => ({ namespaces: [], labels: [] }),
};
