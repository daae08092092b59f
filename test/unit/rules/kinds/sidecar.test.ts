import { describe } from 'vitest';
import { sidecar } from '../../../../src/rules/kinds/sidecar/index.ts';
import { refuses } from '../../../support/bad-specs.ts';

const ingress = (fields: object) => ({ ingress: [{ port: { number: 80 }, ...fields }] });
const egress = (fields: object) => ({ egress: [{ hosts: ['*/*'], ...fields }] });

describe('Sidecar', () => {
  refuses(sidecar, [
    { name: 'nothing at all', spec: {}, want: [['spec', 'sets nothing']] },
    {
      name: 'nothing but a selector',
      spec: { workloadSelector: { labels: { app: 'shop' } } },
      want: [['spec', 'sets nothing']],
    },
    {
      name: 'a host without a namespace',
      spec: egress({ hosts: ['./*', 'reviews'] }),
      want: [['spec.egress[0].hosts[1]', 'namespace/host']],
    },
    { name: 'a listener without hosts', spec: egress({ hosts: [] }), want: [['spec.egress[0].hosts', 'too small']] },
    {
      name: 'an address to listen at without a port',
      spec: egress({ bind: '127.0.0.1' }),
      want: [['spec.egress[0].port', 'required together with bind']],
    },
    {
      name: 'a port 0 without a socket',
      spec: egress({ port: { number: 0, protocol: 'HTTP' } }),
      want: [['spec.egress[0].port.number', 'must be 1 to 65535']],
    },
    {
      name: 'a socket with a port that is captured',
      spec: egress({ bind: 'unix:///a', port: { number: 80 }, captureMode: 'IPTABLES' }),
      want: [
        ['spec.egress[0].port.number', 'must be 0'],
        ['spec.egress[0].captureMode', 'DEFAULT or NONE'],
      ],
    },
    {
      name: 'an endpoint elsewhere',
      spec: ingress({ defaultEndpoint: '10.0.0.1:80' }),
      want: [['spec.ingress[0].defaultEndpoint', '127.0.0.1:port']],
    },
    {
      name: 'an endpoint without a port',
      spec: ingress({ defaultEndpoint: '127.0.0.1:0' }),
      want: [['spec.ingress[0].defaultEndpoint', '127.0.0.1:port']],
    },
    {
      name: 'a socket to listen at for callers',
      spec: ingress({ bind: 'unix:///a' }),
      want: [['spec.ingress[0].bind', 'must be an IP address']],
    },
    {
      name: 'TLS of a gateway',
      spec: ingress({ tls: { mode: 'AUTO_PASSTHROUGH', httpsRedirect: true } }),
      want: [
        ['spec.ingress[0].tls.mode', 'cannot be AUTO_PASSTHROUGH'],
        ['spec.ingress[0].tls.httpsRedirect', 'not supported in a Sidecar'],
      ],
    },
    {
      name: 'a port twice',
      spec: { ingress: [{ port: { number: 80 } }, { port: { number: 80 } }] },
      want: [['spec.ingress[1].port.number', '80 is used twice']],
    },
    {
      name: 'an unknown protocol',
      spec: ingress({ port: { number: 80, protocol: 'SPDY' } }),
      want: [['spec.ingress[0].port.protocol', 'must be one of http']],
    },
    {
      name: 'a way out where nothing may go out',
      spec: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY', egressProxy: { host: 'a', port: { number: 1 } } } },
      want: [['spec.outboundTrafficPolicy.egressProxy', 'only be set with mode ALLOW_ANY']],
    },
    {
      name: 'a way out without a mode, which is REGISTRY_ONLY',
      spec: { outboundTrafficPolicy: { egressProxy: { host: 'a', port: { number: 1 } } } },
      want: [['spec.outboundTrafficPolicy.egressProxy', 'only be set with mode ALLOW_ANY']],
    },
    {
      name: 'a selector with a wildcard',
      spec: { ...egress({}), workloadSelector: { labels: { app: 'a*' } } },
      want: [['spec.workloadSelector.labels.app', 'wildcards are not supported']],
    },
  ]);
});
