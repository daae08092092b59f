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
  about: 'Reports of proxies about traffic: traces, metrics, access logs.',
  spec: telemetrySpec,
  columns: [
    countColumn('Tracing', 'tracing', { about: 'Number of tracing settings.' }),
    countColumn('Metrics', 'metrics', { about: 'Number of metrics settings.' }),
    countColumn('Logging', 'accessLogging', { about: 'Number of access log settings.' }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
