import type { Compiled } from '../../compiled.ts';
import type { SidecarSpec } from './schema.ts';

/**
 * Index by selected workloads. Proxies with different Sidecars have different scopes, so the content needs no audience.
 */
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
