import { ipVersion } from '../../lib/ip.ts';
import type { SimulatedCall } from '../../simulator/call.ts';
import { usageError } from '../failure.ts';
import { type FlagValues, flagText } from '../flags.ts';

/** Schemes of the tested URL, with the port and the protocol that each one stands for. */
const schemes: Readonly<
  Record<string, { readonly port: number | null; readonly isTls: boolean; readonly isHttp: boolean }>
> = {
  http: { port: 80, isTls: false, isHttp: true },
  https: { port: 443, isTls: true, isHttp: true },
  tcp: { port: null, isTls: false, isHttp: false },
  tls: { port: 443, isTls: true, isHttp: false },
};

const urlForm = /^([a-z]+):\/\/(\[[^\]]+\]|[^/:?#]+)(?::(\d+))?([/?].*)?$/i;

/** Reads the call that the words and flags of the command describe. */
export function readCall(url: string, values: FlagValues): SimulatedCall {
  const [, schemeName = '', host = '', portText, path = '/'] = urlForm.exec(url) ?? [];
  const scheme = schemes[schemeName.toLowerCase()];
  if (scheme === undefined) throw usageError(`"${url}" must be http://…, https://…, tcp://… or tls://…`);
  const port = portText === undefined ? scheme.port : Number(portText);
  if (port === null || port < 1 || port > 65_535) throw usageError(`"${url}" needs a port from 1 to 65535`);
  const isHttp2 = values.http2 !== undefined;
  const name = host.replace(/^\[|\]$/g, '');
  const protocol = scheme.isHttp ? (isHttp2 ? 'http2' : 'http') : 'tcp';
  const headers = headersOf(values);
  return {
    direction: values.inbound === undefined ? 'outbound' : 'inbound',
    address: addressOf(values, name),
    port,
    protocol,
    tls: scheme.isTls ? (values['client-certificate'] === undefined ? 'tls' : 'mtls') : 'none',
    sni: scheme.isTls ? (flagText(values, 'sni') ?? (ipVersion(name) === 0 ? name : '')) : '',
    alpn: scheme.isTls ? alpnOf(values, protocol) : [],
    host: headers.get('host') ?? (portText === undefined ? host : `${host}:${portText}`),
    path: path.startsWith('/') ? path : `/${path}`,
    method: (flagText(values, 'method') ?? 'GET').toUpperCase(),
    headers,
    source: null,
  };
}

function addressOf(values: FlagValues, name: string): string {
  const given = flagText(values, 'address');
  if (given !== null && ipVersion(given) === 0) throw usageError(`--address must be an IP address, not "${given}"`);
  return given ?? (ipVersion(name) === 0 ? '' : name);
}

function alpnOf(values: FlagValues, protocol: SimulatedCall['protocol']): readonly string[] {
  const given = flagText(values, 'alpn');
  if (given !== null) return given.split(',').filter(Boolean);
  return { http: ['http/1.1'], http2: ['h2'], tcp: [] }[protocol];
}

function headersOf(values: FlagValues): ReadonlyMap<string, string> {
  return new Map(
    (values.header ?? []).map((line) => {
      const colon = line.indexOf(':', 1);
      if (colon === -1) throw usageError(`--header needs "NAME: VALUE", not "${line}"`);
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}
