import { z } from 'zod';
import { ipVersion } from '../../../lib/ip.ts';
import { isUnixAddress, wrongUnixAddress } from '../../addresses.ts';
import { labels } from '../../fields.ts';
import { protocolName, protocolOf } from '../../protocols.ts';
import { serverTls } from './server-tls-schema.ts';

const port = z.strictObject({
  number: z.int().min(0).max(65_535, 'must be 0 to 65535').describe('port to listen at; 0 for a unix domain socket'),
  protocol: protocolName.min(1, 'a port needs a protocol').describe('HTTP, HTTPS, GRPC, HTTP2, TLS, TCP, …'),
  name: z.string().min(1, 'a port needs a name').describe('name, unique within the gateway'),
  targetPort: z.int().min(0).max(65_535).optional().describe('obsolete'),
});

/** `namespace/host`, or a host alone, which matches every namespace. */
const serverHost = z
  .string()
  .regex(
    /^((\*|\.|[a-z0-9]([-a-z0-9]*[a-z0-9])?)\/)?(\*|(\*\.)?[^*\s/]+)$/,
    'must be a hostname, possibly with a namespace: *.example.com, prod/shop.example.com',
  );

const server = z
  .strictObject({
    port: port.describe('port of the listener'),
    bind: z.string().optional().describe('address to listen at, or unix:///path; all addresses if left out'),
    hosts: z.array(serverHost).min(1, 'at least one host').describe('hosts it serves, as host or namespace/host'),
    tls: serverTls.optional().describe('whether TLS of clients ends here or is passed through'),
    defaultEndpoint: z.string().optional().describe('unused'),
    name: z.string().optional().describe('name, unique within the gateway; for statistics'),
  })
  .superRefine((it, context) => {
    for (const { path, message } of [...portConflicts(it), ...tlsConflicts(it)]) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });

type Server = Pick<z.infer<typeof server>, 'port' | 'bind' | 'tls'>;

interface Conflict {
  readonly path: readonly string[];
  readonly message: string;
}

/** Gateway of networking.istio.io: https://istio.io/latest/docs/reference/config/networking/gateway/ */
export const gatewaySpec = z
  .strictObject({
    servers: z.array(server).min(1, 'at least one server').describe('open ports with their hosts'),
    selector: labels.optional().describe('labels of the gateways, all of which must match'),
  })
  .superRefine(({ servers }, context) => {
    for (const what of ['port', 'server'] as const) {
      const seen = new Set<string>();
      for (const [index, it] of servers.entries()) {
        const name = what === 'port' ? it.port.name : (it.name ?? '');
        const path = ['servers', index, ...(what === 'port' ? ['port'] : []), 'name'];
        if (seen.has(name)) context.addIssue({ code: 'custom', path, message: `'${name}' is used twice` });
        if (name !== '') seen.add(name);
      }
    }
  });

export type GatewaySpec = z.infer<typeof gatewaySpec>;

function portConflicts({ port, bind = '' }: Server): readonly Conflict[] {
  if (!isUnixAddress(bind)) {
    const isAddress = bind === '' || ipVersion(bind) !== 0;
    return [
      ...(port.number === 0 ? [{ path: ['port', 'number'], message: 'must be 1 to 65535' }] : []),
      ...(isAddress ? [] : [{ path: ['bind'], message: 'must be an IP address or unix:///path' }]),
    ];
  }
  const wrong = wrongUnixAddress(bind);
  return [
    ...(wrong === null ? [] : [{ path: ['bind'], message: wrong }]),
    ...(port.number === 0 ? [] : [{ path: ['port', 'number'], message: 'must be 0 for a unix domain socket' }]),
  ];
}

function tlsConflicts({ port, tls }: Server): readonly Conflict[] {
  const protocol = protocolOf(port.protocol);
  if (protocol === 'https' || protocol === 'tls') {
    return tls === undefined ? [{ path: ['tls'], message: `is required for protocol ${port.protocol}` }] : [];
  }
  if (tls === undefined) return [];
  if (protocol === 'tcp' || protocol === 'udp') {
    return [{ path: ['tls'], message: `cannot be set for protocol ${port.protocol}: choose TLS or HTTPS` }];
  }
  const { mode = 'PASSTHROUGH', serverCertificate, privateKey, caCertificates } = tls;
  const onlyRedirects = mode.endsWith('PASSTHROUGH') && !serverCertificate && !privateKey && !caCertificates;
  return onlyRedirects ? [] : [{ path: ['tls'], message: 'may only hold httpsRedirect for plain HTTP' }];
}
