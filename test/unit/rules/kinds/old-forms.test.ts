import { describe, expect, test } from 'vitest';
import { virtualService } from '../../../../src/rules/kinds/virtual-service/index.ts';
import { validateObject } from '../../../../src/rules/validation/validate.ts';
import { accepts, problemsWith, refuses } from '../../../support/bad-specs.ts';

/* Rules as they were written from 2017 to 2020. test/unit/compile/route-filters.test.ts shows the effect of those accepted. */

const destination = { host: 'reviews' };
const http = (fields: object) => ({ hosts: ['reviews'], http: [{ route: [{ destination }], ...fields }] });

describe('rules of earlier releases', () => {
  accepts(virtualService, {
    'a delay with percent': http({ fault: { delay: { percent: 10, fixedDelay: '5s' } } }),
    'a mirror with mirror_percent': http({ mirror: destination, mirror_percent: 50 }),
    'a mirror with mirrorPercent': http({ mirror: destination, mirrorPercent: 50 }),
    'origins as texts': http({ corsPolicy: { allowOrigin: ['*'] } }),
    'a redirect with %PREFIX()%': { hosts: ['a'], http: [{ redirect: { uri: '%PREFIX()%/new' } }] },
    'a mesh gateway by name': { ...http({}), gateways: ['mesh', 'edge'] },
  });

  for (const apiVersion of ['v1alpha3', 'v1beta1', 'v1']) {
    test(`are accepted as networking.istio.io/${apiVersion}`, () => {
      const object = {
        apiVersion: `networking.istio.io/${apiVersion}`,
        kind: 'VirtualService',
        metadata: { name: 'a', namespace: 'default' },
      };
      expect(validateObject({ ...object, spec: http({}) }, [virtualService]).ok).toBe(true);
    });
  }

  const gone = 'is no field of the API any more: ';
  refuses(virtualService, [
    {
      name: 'an abort with percent',
      spec: http({ fault: { abort: { percent: 10, httpStatus: 400 } } }),
      want: [['spec.http[0].fault.abort.percent', `${gone}use percentage.value`]],
    },
    {
      name: 'an exponential delay',
      spec: http({ fault: { delay: { percent: 10, exponentialDelay: '5s' } } }),
      want: [['spec.http[0].fault.delay.exponentialDelay', 'is not supported by Envoy: use fixedDelay']],
    },
    {
      name: 'an abort of HTTP/2',
      spec: http({ fault: { abort: { percentage: { value: 1 }, http2Error: 'REFUSED_STREAM' } } }),
      want: [['spec.http[0].fault.abort.http2Error', 'is not supported by Envoy: use httpStatus or grpcStatus']],
    },
    ...(
      [
        ['appendHeaders', 'headers.request.add'],
        ['appendRequestHeaders', 'headers.request.add'],
        ['appendResponseHeaders', 'headers.response.add'],
        ['removeRequestHeaders', 'headers.request.remove'],
        ['removeResponseHeaders', 'headers.response.remove'],
      ] as const
    ).flatMap(([field, now]) => [
      {
        name: `${field} of a route`,
        spec: http({ [field]: { 'x-a': 'b' } }),
        want: [[`spec.http[0].${field}`, `${gone}use ${now}`] as const],
      },
      {
        name: `${field} of a destination`,
        spec: http({ route: [{ destination, [field]: { 'x-a': 'b' } }] }),
        want: [[`spec.http[0].route[0].${field}`, `${gone}use ${now}`] as const],
      },
    ]),
    {
      name: 'an upgrade to WebSocket',
      spec: http({ websocketUpgrade: true }),
      want: [['spec.http[0].websocketUpgrade', `${gone}remove it: every route accepts WebSocket`]],
    },
    {
      name: 'a destination by name',
      spec: http({ route: [{ destination: { host: 'a', name: 'reviews', namespace: 'shop' } }] }),
      want: [
        ['spec.http[0].route[0].destination.name', `${gone}use host`],
        ['spec.http[0].route[0].destination.namespace', `${gone}use host (name.namespace)`],
      ],
    },
    {
      name: 'a destination subnet of TCP',
      spec: { hosts: ['a'], tcp: [{ match: [{ destinationSubnet: '10.0.0.0/8' }], route: [{ destination }] }] },
      want: [['spec.tcp[0].match[0].destinationSubnet', `${gone}use destinationSubnets (a list)`]],
    },
  ]);

  test('are refused with the modern form for a port by name', () => {
    expect(
      problemsWith(virtualService, http({ route: [{ destination: { host: 'a', port: { name: 'http' } } }] })),
    ).toContain(`spec.http[0].route[0].destination.port.name: ${gone}use port.number`);
  });

  for (const [kind, now] of [
    ['RouteRule', 'VirtualService'],
    ['DestinationPolicy', 'DestinationRule'],
    ['EgressRule', 'ServiceEntry'],
  ]) {
    test(`of the kind ${kind} are refused with the kind that replaced it`, () => {
      const object = {
        apiVersion: 'config.istio.io/v1alpha2',
        kind,
        metadata: { name: 'a', namespace: 'default' },
        spec: {},
      };
      expect(validateObject(object, [virtualService])).toEqual({
        ok: false,
        error: [{ path: 'kind', message: `${kind} was replaced: write a ${now} of networking.istio.io/v1` }],
      });
    });
  }
});

test('a fault without a percentage is accepted with a warning', () => {
  const spec = virtualService.spec.parse(
    http({ fault: { delay: { fixedDelay: '1s' }, abort: { httpStatus: 500, percentage: { value: 0 } } } }),
  );
  expect(virtualService.doubts?.(spec)).toEqual([
    {
      path: 'spec.http[0].fault.delay',
      message: 'has no percentage, so that no request gets it; set percentage: { value: 100 } for all',
    },
  ]);
});
