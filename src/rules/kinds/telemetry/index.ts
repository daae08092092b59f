import type { RuleKind } from '../../rule.ts';
import { countColumn, targetColumn } from '../shared/columns.ts';
import { type TelemetrySpec, telemetrySpec } from './schema.ts';

/** Istio's Telemetry. */
export const telemetry: RuleKind<'Telemetry', TelemetrySpec> = {
  kind: 'Telemetry',
  plural: 'telemetries',
  singular: 'telemetry',
  shortNames: ['telemetry'],
  group: 'telemetry.istio.io',
  versions: ['v1', 'v1alpha1'],
  scope: 'namespaced',
  about: 'What proxies tell about traffic: traces, metrics, access logs.',
  spec: telemetrySpec,
  columns: [
    countColumn('Tracing', 'tracing', { about: 'How many settings of tracing.' }),
    countColumn('Metrics', 'metrics', { about: 'How many settings of metrics.' }),
    countColumn('Logging', 'accessLogging', { about: 'How many settings of access logs.' }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
