import { describe, expect, test } from 'vitest';
import { virtualService } from '../../../../src/rules/kinds/virtual-service/index.ts';
import { accepts, problemsWith, refuses } from '../../../support/bad-specs.ts';

const route = [{ destination: { host: 'reviews' } }];
const http = (fields: object) => ({ hosts: ['reviews'], http: [{ route, ...fields }] });
const answer = (fields: object) => ({ hosts: ['reviews'], http: [fields] });

describe('VirtualService', () => {
  accepts(virtualService, {
    'durations in every form of Go': http({ timeout: '1h30m10.5s', retries: { perTryTimeout: '1500us' } }),
    'a timeout of 0s, which is none': http({ timeout: '0s' }),
    'null for what may be null': http({ mirrorPercent: null, retries: { retryRemoteLocalities: null } }),
    'the host as a header to set': http({ headers: { request: { set: { Host: 'a.example', ':authority': 'a' } } } }),
    'commands of Envoy in header values': http({
      headers: { request: { add: { 'x-id': '%REQ(x-request-id):8%/%PROTOCOL%', 'x-p': '5%%' } } },
    }),
    'a delegate without hosts': { http: [{ route }] },
    'hosts that are addresses': { hosts: ['10.0.0.1', '::1', '[fd00::1]'], http: [{ route }] },
  });

  refuses(virtualService, [
    {
      name: 'a duration without a unit',
      spec: http({ timeout: '10' }),
      want: [['spec.http[0].timeout', 'a duration such as 10s']],
    },
    {
      name: "a duration below Envoy's precision",
      spec: http({ retries: { perTryTimeout: '10us' } }),
      want: [['spec.http[0].retries.perTryTimeout', '1ms or more']],
    },
    {
      name: "a duration beyond Envoy's range",
      spec: http({ timeout: '9999999999h' }),
      want: [['spec.http[0].timeout', '292 years at most']],
    },
    {
      name: 'a regular expression with a lookahead',
      spec: http({ match: [{ headers: { 'x-a': { regex: 'a(?!b)' } } }] }),
      want: [['spec.http[0].match[0].headers.x-a.regex', 'no regular expression of RE2']],
    },
    {
      name: 'two texts in one match',
      spec: http({ match: [{ method: { exact: 'GET', regex: 'P.*' } }] }),
      want: [['spec.http[0].match[0].method', 'only one of exact, prefix and regex']],
    },
    {
      name: 'a redirect to a path and a prefix at once',
      spec: answer({ redirect: { uri: '/a', prefixRewrite: '/b' } }),
      want: [['spec.http[0].redirect.prefixRewrite', 'only one of uri and prefixRewrite']],
    },
    {
      name: 'a redirect to a port and to the port of the request',
      spec: answer({ redirect: { port: 80, derivePort: 'FROM_REQUEST_PORT' } }),
      want: [['spec.http[0].redirect', 'only one of port and derivePort']],
    },
    {
      name: 'a redirect with a status that is none',
      spec: answer({ redirect: { uri: '/a', redirectCode: 300 } }),
      want: [['spec.http[0].redirect.redirectCode', 'must be one of 301, 302, 303, 307, 308']],
    },
    {
      name: 'a redirect that fails on purpose',
      spec: answer({ redirect: { uri: '/a' }, fault: { abort: { httpStatus: 500 } } }),
      want: [['spec.http[0].fault', 'a redirect has no faults']],
    },
    {
      name: 'a retry condition that Envoy does not know',
      spec: http({ retries: { retryOn: '5xx,timeout' } }),
      want: [['spec.http[0].retries.retryOn', '"timeout" is no condition of Envoy']],
    },
    {
      name: 'a gRPC status by number',
      spec: http({ fault: { abort: { grpcStatus: '14' } } }),
      want: [['spec.http[0].fault.abort.grpcStatus', 'must be one of OK, CANCELLED']],
    },
    {
      name: 'an abort without a status',
      spec: http({ fault: { abort: { percentage: { value: 5 } } } }),
      want: [['spec.http[0].fault.abort', 'exactly one of httpStatus, grpcStatus and http2Error']],
    },
    { name: 'an empty fault', spec: http({ fault: {} }), want: [['spec.http[0].fault', 'one of delay and abort']] },
    {
      name: 'more than all requests',
      spec: http({ mirror: { host: 'a' }, mirrorPercentage: { value: 101 } }),
      want: [['spec.http[0].mirrorPercentage.value', '0 to 100']],
    },
    {
      name: 'a percent sign in a header that Envoy would read',
      spec: http({ headers: { response: { set: { 'x-share': '100% sure' } } } }),
      want: [['spec.http[0].headers.response.set.x-share', 'must be doubled']],
    },
    {
      name: 'a command that Envoy does not know, and one with an argument too many',
      spec: http({
        headers: { request: { set: { 'x-ip': '%CLIENT_IP%' } } },
        route: [{ ...route[0], headers: { response: { add: { 'x-p': '%PROTOCOL(x)%' } } } }],
      }),
      want: [
        ['spec.http[0].route[0].headers.response.add.x-p', '%PROTOCOL% takes no argument'],
        ['spec.http[0].headers.request.set.x-ip', '%CLIENT_IP% is no command of Envoy'],
      ],
    },
    {
      name: 'line breaks wherever Envoy writes the text into a request or an answer',
      spec: {
        hosts: ['reviews'],
        http: [
          { route, rewrite: { uri: '/a\nb', authority: 'a\rb' } },
          { route, rewrite: { uriRegexRewrite: { match: 'a', rewrite: 'b\n' } } },
          { redirect: { uri: '/a\0', authority: 'a\r\n' } },
          { redirect: { prefixRewrite: '/a\n' } },
          { route, match: [{ headers: { 'x\n': {} } }] },
          { route, headers: { request: { remove: ['x\n'], set: { 'y\n': 'a', z: 'a\nb' } } } },
          { route, corsPolicy: { allowHeaders: ['a\nb'], exposeHeaders: ['a\nb'] } },
        ],
      },
      want: [
        ['spec.http[0].rewrite.uri', 'must be one line'],
        ['spec.http[0].rewrite.authority', 'must be one line'],
        ['spec.http[1].rewrite.uriRegexRewrite.rewrite', 'must be one line'],
        ['spec.http[2].redirect.uri', 'must be one line'],
        ['spec.http[2].redirect.authority', 'must be one line'],
        ['spec.http[3].redirect.prefixRewrite', 'must be one line'],
        ['spec.http[4].match[0].headers["x\\n"]', 'must be one line'],
        ['spec.http[5].headers.request.set["y\\n"]', 'a header name'],
        ['spec.http[5].headers.request.set.z', 'must be one line'],
        ['spec.http[5].headers.request.remove[0]', 'a header name'],
        ['spec.http[6].corsPolicy.allowHeaders[0]', 'must be one line'],
        ['spec.http[6].corsPolicy.exposeHeaders[0]', 'must be one line'],
      ],
    },
    {
      name: 'control characters in hosts',
      spec: { hosts: ['a\0b'], http: [{ route: [{ destination: { host: 'a\0' } }], mirror: { host: 'b\u0007' } }] },
      want: [
        ['spec.hosts[0]', 'no control characters'],
        ['spec.http[0].route[0].destination.host', 'no control characters'],
        ['spec.http[0].mirror.host', 'no control characters'],
      ],
    },
    {
      name: 'a query parameter whose name is too long for Envoy',
      spec: http({ match: [{ queryParams: { [`${'é'.repeat(512)}x`]: { exact: 'a' } } }] }),
      want: [[`spec.http[0].match[0].queryParams["${'é'.repeat(512)}x"]`, 'must be 1024 bytes at most']],
    },
    {
      name: 'more changes of headers than Envoy holds',
      spec: http({
        headers: {
          request: {
            set: Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`x-s${index}`, 'a'])),
            add: Object.fromEntries(Array.from({ length: 401 }, (_, index) => [`x-a${index}`, 'a'])),
          },
        },
      }),
      want: [['spec.http[0].headers.request', '1000 headers at most']],
    },
    {
      name: 'a redirect that leads to itself',
      spec: {
        hosts: ['reviews'],
        http: [{ redirect: {} }, { redirect: { uri: '', authority: '', redirectCode: 302 } }],
      },
      want: [
        ['spec.http[0].redirect', 'it would lead to itself'],
        ['spec.http[1].redirect', 'it would lead to itself'],
      ],
    },
    {
      name: 'a rewrite of nothing',
      spec: http({ rewrite: { uri: '', authority: '' } }),
      want: [['spec.http[0].rewrite', 'one of uri, authority and uriRegexRewrite is needed']],
    },
    {
      name: 'text that no encoding can hold',
      spec: http({ match: [{ uri: { exact: '/\ud800' } }] }),
      want: [['spec.http[0].match[0].uri.exact', 'must be valid Unicode']],
    },
    {
      name: 'the host of a response',
      spec: http({ headers: { response: { set: { Host: 'a' } } } }),
      want: [['spec.http[0].headers.response.set.Host', 'the host is changed by rewrite.authority']],
    },
    {
      name: 'two hosts to put in place of the one asked for',
      spec: http({ rewrite: { authority: 'a' }, headers: { request: { set: { ':authority': 'b' } } } }),
      want: [['spec.http[0].rewrite.authority', 'only one of it and headers']],
    },
    {
      name: 'a preflight remembered for a part of a second',
      spec: http({ corsPolicy: { maxAge: '1.5s' } }),
      want: [['spec.http[0].corsPolicy.maxAge', 'whole seconds']],
    },
    {
      name: 'a delegate with gateways, TCP and another delegate',
      spec: { gateways: ['a'], tcp: [{ route }], http: [{ delegate: { name: 'b' } }] },
      want: [
        ['spec.gateways', 'has no gateways'],
        ['spec.tcp', 'has routes of http only'],
        ['spec.http[0].delegate', 'cannot delegate further'],
      ],
    },
    {
      name: 'an origin without a text, which would match every origin',
      spec: http({ corsPolicy: { allowOrigins: [{}, { exact: '' }] } }),
      want: [
        ['spec.http[0].corsPolicy.allowOrigins[0]', 'one of exact, prefix and regex is needed'],
        ['spec.http[0].corsPolicy.allowOrigins[1]', 'one of exact, prefix and regex is needed'],
      ],
    },
    {
      name: 'hosts with a port',
      spec: { hosts: ['foo.example:80', '[::1]:80', '*.example:80', 'a'], http: [{ route }] },
      want: [
        ['spec.hosts[0]', 'must be a host without a port'],
        ['spec.hosts[1]', 'must be a host without a port'],
        ['spec.hosts[2]', 'must be a host without a port'],
      ],
    },
    {
      name: 'a destination with its port in the host',
      spec: { hosts: ['a'], http: [{ route: [{ destination: { host: 'reviews:80' } }] }] },
      want: [['spec.http[0].route[0].destination.host', 'must be a host without a port']],
    },
    {
      name: 'server names outside the hosts',
      spec: { hosts: ['*.example.com'], tls: [{ match: [{ sniHosts: ['a.example.com', 'a.example.org'] }], route }] },
      want: [['spec.tls[0].match[0].sniHosts[1]', 'is none of the hosts (*.example.com)']],
    },
    {
      name: 'a range of addresses that is none',
      spec: { hosts: ['a'], tcp: [{ match: [{ destinationSubnets: ['10.0.0.0/40'] }], route }] },
      want: [['spec.tcp[0].match[0].destinationSubnets[0]', 'an IP address or a CIDR']],
    },
    {
      name: 'a gateway of two namespaces',
      spec: { hosts: ['a'], gateways: ['a/b/c', '~/a', 'b~'], http: [{ route }] },
      want: [0, 1, 2].map((index) => [`spec.gateways[${index}]`, 'namespace/gateway'] as const),
    },
    {
      name: 'an unknown field, with the one that was meant',
      spec: http({ retires: { attempts: 1 } }),
      want: [['spec.http[0].retires', 'did you mean "retries"']],
    },
  ]);

  test('reports a mistake in the last of many routes like one in the first', () => {
    const routes = Array.from({ length: 500 }, (_, index) => ({ name: `r${index}`, route }));
    const wrong = [...routes, { route, timeout: 'soon' }];
    expect(problemsWith(virtualService, { hosts: ['a'], http: routes })).toEqual([]);
    expect(problemsWith(virtualService, { hosts: ['a'], http: wrong })).toEqual([
      'spec.http[500].timeout: a duration such as 10s or 250ms',
    ]);
  });

  test('warns of expressions that may be too large for an Envoy, in every place', () => {
    const regex = '[a-f0-9-]{36}';
    const spec = virtualService.spec.parse({
      hosts: ['a'],
      http: [
        { route, match: [{ uri: { regex: '[a-f0-9-]{3}' } }, { headers: { 'x-id': { regex } } }] },
        { route, rewrite: { uriRegexRewrite: { match: regex, rewrite: '' } } },
        { route, corsPolicy: { allowOrigins: [{ regex }] } },
      ],
    });
    expect(virtualService.doubts?.(spec).map(({ path }) => path)).toEqual([
      'spec.http[0].match[1].headers.x-id.regex',
      'spec.http[1].rewrite.uriRegexRewrite.match',
      'spec.http[2].corsPolicy.allowOrigins[0].regex',
    ]);
  });

  test('is listed by gateways and hosts, and wide by routes', () => {
    const spec = {
      gateways: ['mesh', 'edge/public'],
      hosts: ['a', 'b'],
      http: [{ route }],
      tcp: [{ route }, { route }],
    };
    expect(virtualService.columns.map(({ name, value }) => [name, value(spec)])).toEqual([
      ['Gateways', 'mesh,edge/public'],
      ['Hosts', 'a,b'],
      ['Routes', 3],
      ['Exported to', null],
    ]);
  });
});
