import { describe, expect, test } from 'vitest';
import { destinationRule } from '../../../../src/rules/kinds/destination-rule/index.ts';
import { accepts, refuses } from '../../../support/bad-specs.ts';

const policy = (trafficPolicy: object) => ({ host: 'reviews', trafficPolicy });
const balancer = (loadBalancer: object) => policy({ loadBalancer });
const hash = (fields: object) => balancer({ consistentHash: { useSourceIp: true, ...fields } });
const locality = (localityLbSetting: object) => balancer({ localityLbSetting });

describe('DestinationRule', () => {
  accepts(destinationRule, {
    'a session cookie': balancer({ consistentHash: { httpCookie: { name: 'a', ttl: '0s' } } }),
    'settings of a port only': policy({ portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'DISABLE' } }] }),
    'null for what may be null': policy({ outlierDetection: { consecutive5xxErrors: null } }),
  });

  refuses(destinationRule, [
    { name: 'no host', spec: { trafficPolicy: {} }, want: [['spec.host', 'expected string']] },
    {
      name: 'a connect timeout of nothing',
      spec: policy({ connectionPool: { tcp: { connectTimeout: '0s' } } }),
      want: [['spec.trafficPolicy.connectionPool.tcp.connectTimeout', 'must be 1ms or more']],
    },
    {
      name: 'probes on idle connections after more seconds than Envoy holds',
      spec: policy({ connectionPool: { tcp: { tcpKeepalive: { time: '4294967296s', interval: '4294967295s' } } } }),
      want: [['spec.trafficPolicy.connectionPool.tcp.tcpKeepalive.time', '136 years']],
    },
    {
      name: 'line breaks in names of headers and cookies, and a server name that is too long',
      spec: {
        host: 'reviews',
        trafficPolicy: {
          loadBalancer: { consistentHash: { httpHeaderName: 'x\n' } },
          tls: { mode: 'SIMPLE', sni: 'a'.repeat(256) },
        },
        subsets: [
          {
            name: 'v1',
            trafficPolicy: {
              loadBalancer: {
                consistentHash: {
                  httpCookie: { name: 'a\r', path: '/\0', attributes: [{ name: 'b\n', value: 'c\n' }] },
                },
              },
            },
          },
        ],
      },
      want: [
        ['spec.trafficPolicy.loadBalancer.consistentHash.httpHeaderName', 'must be one line'],
        ['spec.trafficPolicy.tls.sni', 'must be 255 bytes at most'],
        ['spec.subsets[0].trafficPolicy.loadBalancer.consistentHash.httpCookie.name', 'must be one line'],
        ['spec.subsets[0].trafficPolicy.loadBalancer.consistentHash.httpCookie.path', 'must be one line'],
        ['spec.subsets[0].trafficPolicy.loadBalancer.consistentHash.httpCookie.attributes[0].name', 'must be one line'],
        [
          'spec.subsets[0].trafficPolicy.loadBalancer.consistentHash.httpCookie.attributes[0].value',
          'must be one line',
        ],
      ],
    },
    {
      name: 'a duration without a unit, with one problem only',
      spec: policy({ outlierDetection: { interval: '10' } }),
      want: [['spec.trafficPolicy.outlierDetection.interval', 'a duration such as 10s']],
    },
    {
      name: 'both ways to choose the protocol',
      spec: policy({ connectionPool: { http: { useClientProtocol: true, h2UpgradePolicy: 'UPGRADE' } } }),
      want: [['spec.trafficPolicy.connectionPool.http.useClientProtocol', 'h2UpgradePolicy is UPGRADE']],
    },
    {
      name: 'a count with a sign',
      spec: policy({ connectionPool: { tcp: { maxConnections: -1 } } }),
      want: [['spec.trafficPolicy.connectionPool.tcp.maxConnections', 'too small']],
    },
    {
      name: 'more than all endpoints',
      spec: policy({ outlierDetection: { maxEjectionPercent: 101 } }),
      want: [['spec.trafficPolicy.outlierDetection.maxEjectionPercent', '0 to 100']],
    },
    {
      name: 'a status that is none',
      spec: policy({ outlierDetection: { outlierDetectionHttpErrorCodes: [500, 700] } }),
      want: [['spec.trafficPolicy.outlierDetection.outlierDetectionHttpErrorCodes[1]', '100 to 599']],
    },
    {
      name: 'two things to hash by',
      spec: hash({ httpHeaderName: 'x-user' }),
      want: [['spec.trafficPolicy.loadBalancer.consistentHash', 'exactly one of httpHeaderName, httpCookie']],
    },
    {
      name: 'two ways to hash',
      spec: hash({ ringHash: {}, maglev: {} }),
      want: [['spec.trafficPolicy.loadBalancer.consistentHash', 'only one of ringHash and maglev']],
    },
    {
      name: 'a table whose size is no prime',
      spec: hash({ maglev: { tableSize: 65_536 } }),
      want: [['spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize', 'must be a prime number']],
    },
    {
      name: 'a ring that Envoy does not hold',
      spec: hash({ ringHash: { minimumRingSize: 8_388_609 } }),
      want: [['spec.trafficPolicy.loadBalancer.consistentHash.ringHash.minimumRingSize', 'at most 8388608']],
    },
    {
      name: 'localities and zones',
      spec: balancer({ localityLbSetting: {}, zoneAwareLbSetting: {} }),
      want: [['spec.trafficPolicy.loadBalancer.zoneAwareLbSetting', 'only one of localityLbSetting']],
    },
    {
      name: 'shares that do not add up',
      spec: locality({ distribute: [{ from: 'eu', to: { eu: 80, us: 10 } }] }),
      want: [['spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to', 'add up to 100']],
    },
    {
      name: 'shares and failover at once',
      spec: locality({ distribute: [{ from: 'eu', to: { eu: 100 } }], failover: [{ from: 'eu', to: 'us' }] }),
      want: [['spec.trafficPolicy.loadBalancer.localityLbSetting.failover', 'only one of distribute and failover']],
    },
    {
      name: 'a region that takes over from itself',
      spec: locality({ failover: [{ from: 'eu', to: 'eu' }] }),
      want: [['spec.trafficPolicy.loadBalancer.localityLbSetting.failover[0].to', 'must differ']],
    },
    {
      name: 'a zone where a region is meant',
      spec: locality({ failover: [{ from: 'eu/a', to: 'us' }] }),
      want: [['spec.trafficPolicy.loadBalancer.localityLbSetting.failover[0].from', 'must be a region']],
    },
    {
      name: 'a client certificate without its key',
      spec: policy({ tls: { mode: 'MUTUAL', clientCertificate: '/c.pem' } }),
      want: [['spec.trafficPolicy.tls.privateKey', 'is required with mode MUTUAL']],
    },
    {
      name: 'files and a secret',
      spec: policy({ tls: { mode: 'SIMPLE', credentialName: 'a', caCertificates: '/ca.pem' } }),
      want: [['spec.trafficPolicy.tls.caCertificates', 'only one of it and credentialName']],
    },
    {
      name: 'a check that is turned off and asked for',
      spec: policy({ tls: { mode: 'SIMPLE', insecureSkipVerify: true, subjectAltNames: ['a'] } }),
      want: [['spec.trafficPolicy.tls.subjectAltNames', 'has no meaning when insecureSkipVerify is true']],
    },
    {
      name: 'settings of no port',
      spec: policy({ portLevelSettings: [{ tls: { mode: 'DISABLE' } }] }),
      want: [['spec.trafficPolicy.portLevelSettings[0].port', 'expected object']],
    },
    {
      name: 'a tunnel with the PROXY protocol',
      spec: policy({ tunnel: { targetHost: 'a.example', targetPort: 80 }, proxyProtocol: {} }),
      want: [['spec.trafficPolicy.proxyProtocol', 'only one of tunnel and proxyProtocol']],
    },
    {
      name: 'a subset twice',
      spec: { host: 'a', subsets: [{ name: 'v1' }, { name: 'v1' }] },
      want: [['spec.subsets[1].name', 'occurs twice']],
    },
  ]);
});

describe('TLS that has no effect yet', () => {
  test('is reported: certificates of the mesh, and those of secrets', () => {
    const tls = { mode: 'SIMPLE', credentialName: 'bank' } as const;
    const spec = destinationRule.spec.parse({
      host: 'reviews',
      trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } },
      subsets: [
        { name: 'a', trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls }] } },
        { name: 'b', trafficPolicy: { tls: { mode: 'SIMPLE', sni: 'a.example' } } },
        { name: 'c', trafficPolicy: { tls: { mode: 'DISABLE', credentialName: 'unused' } } },
      ],
    });
    expect(destinationRule.pending(spec)).toEqual([
      'spec.trafficPolicy.tls',
      'spec.subsets[0].trafficPolicy.portLevelSettings[0].tls.credentialName',
    ]);
  });
});
