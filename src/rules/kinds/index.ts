import type { RuleKind } from '../rule.ts';
import { destinationRule } from './destination-rule/index.ts';
import { serviceEntry } from './service-entry/index.ts';
import { sidecar } from './sidecar/index.ts';
import { virtualService } from './virtual-service/index.ts';
import { workloadEntry } from './workload-entry/index.ts';

/** Every kind that is understood. The order is that of lists shown to people. */
export const ruleKinds: readonly RuleKind[] = [virtualService, destinationRule, sidecar, serviceEntry, workloadEntry];
