import { describe } from 'vitest';
import { telemetry } from '../../../../src/rules/kinds/telemetry/index.ts';
import { accepts, refuses } from '../../../support/bad-specs.ts';

const tracing = (rest: object) => ({ tracing: [rest] });
const override = (rest: object) => ({ metrics: [{ overrides: [rest] }] });

describe('a Telemetry', () => {
  accepts(telemetry, {
    'every field': {
      selector: { matchLabels: { app: 'shop' } },
      tracing: [
        {
          match: { mode: 'SERVER' },
          providers: [{ name: 'zipkin' }],
          randomSamplingPercentage: 0.5,
          disableSpanReporting: false,
          disableContextPropagation: true,
          customTags: {
            zone: { literal: { value: 'a' } },
            host: { environment: { name: 'HOSTNAME', defaultValue: 'none' } },
            user: { header: { name: 'x-user', defaultValue: '' } },
            path: { formatter: { value: '%REQ(:PATH)%' } },
          },
          useRequestIdForTraceSampling: true,
          enableIstioTags: false,
        },
      ],
      metrics: [
        {
          providers: [{ name: 'prometheus' }],
          overrides: [
            { match: { metric: 'REQUEST_COUNT', mode: 'CLIENT' }, tagOverrides: { path: { value: 'request.path' } } },
            { match: { customMetric: 'orders_total' }, disabled: true },
            { tagOverrides: { code: { operation: 'REMOVE' }, host: { operation: 'UPSERT', value: 'request.host' } } },
          ],
          reportingInterval: '10s',
        },
      ],
      accessLogging: [
        {
          match: { mode: 'CLIENT_AND_SERVER' },
          providers: [{ name: 'envoy' }],
          disabled: false,
          filter: { expression: 'response.code >= 400' },
        },
      ],
    },
    'null where it means "as further out"': {
      tracing: [{ disableSpanReporting: null, randomSamplingPercentage: null }],
      accessLogging: [{ disabled: null }],
    },
  });

  refuses(telemetry, [
    {
      name: 'more than all requests',
      spec: tracing({ randomSamplingPercentage: 100.1 }),
      want: [['spec.tracing[0].randomSamplingPercentage', '0 to 100']],
    },
    {
      name: 'fewer than none',
      spec: tracing({ randomSamplingPercentage: -1 }),
      want: [['spec.tracing[0].randomSamplingPercentage', '0 to 100']],
    },
    {
      name: 'a tag of two values',
      spec: tracing({ customTags: { a: { literal: { value: '1' }, header: { name: 'x' } } } }),
      want: [['spec.tracing[0].customTags.a', 'only one of literal, environment, header and formatter']],
    },
    {
      name: 'a tag of none',
      spec: tracing({ customTags: { a: {} } }),
      want: [['spec.tracing[0].customTags.a', 'needs a value: one of']],
    },
    {
      name: 'a tag without its value',
      spec: tracing({ customTags: { a: { literal: { value: '' } } } }),
      want: [['spec.tracing[0].customTags.a.literal.value', 'must not be empty']],
    },
    {
      name: 'a provider without name',
      spec: { accessLogging: [{ providers: [{ name: '' }] }] },
      want: [['spec.accessLogging[0].providers[0].name', 'must not be empty']],
    },
    {
      name: 'a direction that is none',
      spec: { accessLogging: [{ match: { mode: 'BOTH' } }] },
      want: [['spec.accessLogging[0].match.mode', 'CLIENT_AND_SERVER, CLIENT, SERVER']],
    },
    {
      name: 'two metrics in one match',
      spec: override({ match: { metric: 'REQUEST_COUNT', customMetric: 'a' } }),
      want: [['spec.metrics[0].overrides[0].match', 'only one of metric and customMetric']],
    },
    {
      name: 'a metric that is none',
      spec: override({ match: { metric: 'REQUEST_COUNTS' } }),
      want: [['spec.metrics[0].overrides[0].match.metric', 'did you mean "REQUEST_COUNT"?']],
    },
    {
      name: 'a dimension without value',
      spec: override({ tagOverrides: { path: {} } }),
      want: [['spec.metrics[0].overrides[0].tagOverrides.path.value', 'is required with UPSERT']],
    },
    {
      name: 'a value for a removed dimension',
      spec: override({ tagOverrides: { path: { operation: 'REMOVE', value: 'a' } } }),
      want: [['spec.metrics[0].overrides[0].tagOverrides.path.value', 'left out with REMOVE']],
    },
    {
      name: 'an interval of nothing',
      spec: { metrics: [{ reportingInterval: '0s' }] },
      want: [['spec.metrics[0].reportingInterval', '1ms or more']],
    },
    {
      name: 'a target in two forms',
      spec: { targetRef: { kind: 'Service', name: 'a' }, targetRefs: [] },
      want: [['spec', 'only one of selector, targetRef and targetRefs']],
    },
  ]);
});
