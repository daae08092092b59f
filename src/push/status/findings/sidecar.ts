import type { SidecarRule } from '../../../rules/kinds/sidecar/index.ts';
import { ruleId } from '../../../rules/rule.ts';
import type { Finding } from './finding.ts';
import type { FindingsLookup } from './lookup.ts';

/**
 * Finds a Sidecar that applies to no proxy, because a proxy has only one. An older one selects the same workloads, or
 * more of them by fewer labels.
 */
export function sidecarFindings(rule: SidecarRule, { mesh }: FindingsLookup): readonly Finding[] {
  const own = labelsOf(rule);
  for (const other of mesh.sidecars(rule.metadata.namespace)) {
    if (ruleId(other) === ruleId(rule)) return [];
    const others = labelsOf(other);
    const isDefault = Object.keys(own).length === 0;
    const isOtherDefault = Object.keys(others).length === 0;
    if (isDefault !== isOtherDefault) continue;
    if (!Object.entries(others).every(([name, value]) => own[name] === value)) continue;
    const message = `${ruleId(other)} is older and is for the same workloads: put both into one object`;
    return [{ reason: 'Superseded', message: `spec.workloadSelector: ${message}` }];
  }
  return [];
}

const labelsOf = ({ spec }: SidecarRule): Readonly<Record<string, string>> => spec.workloadSelector?.labels ?? {};
