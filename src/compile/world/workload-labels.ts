import type { Proxy } from '../../model/proxy.ts';
import type { Labels } from '../../rules/labels.ts';
import { compareText } from '../../rules/rule.ts';
import type { WorkloadChange } from '../contract.ts';

/**
 * Labels of the workloads beside proxies, as platforms report them. A node's metadata has those from the start of the
 * proxy. A workload belongs to a proxy if it has one of its addresses and is in its namespace.
 */
export interface WorkloadLabels {
  /** Applies a change. Returns the addresses of proxies whose labels may have changed. */
  apply(change: WorkloadChange): readonly string[];
  /**
   * Returns the labels of a Pod or WorkloadEntry in place of the node's. Of several, the one with the proxy's name
   * comes first, then the first by name. Without one, labels of registered instances override those of the node: an
   * instance has only the labels of one service.
   */
  of(proxy: Pick<Proxy, 'addresses' | 'namespace' | 'name' | 'labels'>): Labels;
}

type ReportedWorkload = Extract<WorkloadChange, { readonly type: 'workload' }>;

export function createWorkloadLabels(): WorkloadLabels {
  const byId = new Map<string, ReportedWorkload>();
  /** Workloads by address. A single one, the usual case, has no list. */
  const byAddress = new Map<string, ReportedWorkload | readonly ReportedWorkload[]>();

  const at = (address: string): readonly ReportedWorkload[] => [byAddress.get(address) ?? []].flat();
  const put = (address: string, all: readonly ReportedWorkload[]) => {
    const [only, ...others] = all;
    if (only === undefined) byAddress.delete(address);
    else byAddress.set(address, others.length === 0 ? only : all);
  };

  return {
    apply(change) {
      const { id } = change;
      const before = byId.get(id);
      const after = change.type === 'workload' ? change : undefined;
      if (before !== undefined && after !== undefined && isSame(before, after)) return [];
      const addresses = [before, after].flatMap((known) => known?.workload.addresses ?? []);
      for (const address of before?.workload.addresses ?? []) {
        put(
          address,
          at(address).filter((known) => known !== before),
        );
      }
      if (after === undefined) byId.delete(id);
      else byId.set(id, after);
      if (after !== undefined) for (const address of after.workload.addresses) put(address, [...at(address), after]);
      return addresses;
    },
    of({ addresses, namespace, name, labels }) {
      const own = addresses.flatMap(at).filter(({ workload }) => workload.namespace === namespace);
      if (own.length === 0) return labels;
      const [whole] = own
        .filter(({ isSelfRegistered }) => !isSelfRegistered)
        .sort((a, b) => compareForProxy(a, b, name));
      if (whole !== undefined) return whole.workload.labels;
      const first = own.sort((a, b) => compareForProxy(a, b, name)).map(({ workload }) => workload.labels);
      return Object.assign({}, labels, ...first.reverse());
    },
  };
}

function isSame(a: ReportedWorkload, b: ReportedWorkload): boolean {
  const content = ({ isSelfRegistered, workload: { namespace, name, addresses, labels } }: ReportedWorkload) =>
    JSON.stringify([isSelfRegistered, namespace, name, addresses, Object.entries(labels).sort()]);
  return a === b || content(a) === content(b);
}

const compareForProxy = (a: ReportedWorkload, b: ReportedWorkload, name: string): number =>
  Number(b.workload.name === name) - Number(a.workload.name === name) ||
  compareText(a.workload.name, b.workload.name) ||
  compareText(a.id, b.id);
