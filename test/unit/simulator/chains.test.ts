import { describe, expect, it } from 'vitest';
import type { FilterChainJson } from '../../../src/proto/json.ts';
import type { SimulatedCall } from '../../../src/simulator/call.ts';
import { simulate } from '../../../src/simulator/simulate.ts';
import { callTo, httpChain, listenerOn, resources, tcpChain } from '../../support/simulated.ts';

const answerOf = (chains: FilterChainJson[], call: Partial<SimulatedCall>, overrides = {}) =>
  simulate(
    resources({ listeners: [listenerOn(call.address === undefined ? '0.0.0.0' : '::', 80, chains, overrides)] }),
    callTo(call),
  );

const range = (addressPrefix: string, prefixLen: number) => ({ addressPrefix, prefixLen });

/* Chains are in the order of their match, the less exact one first: their order does not decide. */
describe('the filter chain of a connection', () => {
  for (const { title, chains, call = {}, want } of [
    {
      title: 'is that of its port before any other condition',
      chains: [
        tcpChain('address', { prefixRanges: [range('10.0.0.1', 32)] }),
        tcpChain('port', { destinationPort: 80 }),
      ],
      want: 'port',
    },
    {
      title: 'is that of the longest range of addresses',
      chains: [
        tcpChain('wide', { prefixRanges: [range('10.0.0.0', 8)] }),
        tcpChain('narrow', { prefixRanges: [range('10.0.0.0', 24)] }),
        tcpChain('other', { prefixRanges: [range('10.0.1.0', 28)] }),
      ],
      want: 'narrow',
    },
    {
      title: 'compares ranges of IPv6',
      chains: [
        tcpChain('wide', { prefixRanges: [range('fd00::', 16)] }),
        tcpChain('range', { prefixRanges: [range('fd00:1::', 32)] }),
        tcpChain('other', { prefixRanges: [range('fd00:1:0:3::', 64)] }),
      ],
      call: { address: 'fd00:1:0:2::9' },
      want: 'range',
    },
    {
      title: 'is that of the exact server name',
      chains: [
        tcpChain('wide', { serverNames: ['*.example'] }),
        tcpChain('narrow', { serverNames: ['*.shop.example'] }),
        tcpChain('exact', { serverNames: ['www.shop.example'] }),
      ],
      call: { tls: 'tls', sni: 'WWW.shop.example' },
      want: 'exact',
    },
    {
      title: 'is that of the longest wildcard of the server name',
      chains: [
        tcpChain('wide', { serverNames: ['*.example'] }),
        tcpChain('narrow', { serverNames: ['*.shop.example'] }),
      ],
      call: { tls: 'tls', sni: 'a.shop.example' },
      want: 'narrow',
    },
    {
      title: 'has no wildcard for the bare suffix',
      chains: [tcpChain('any'), tcpChain('wildcard', { serverNames: ['*.shop.example'] })],
      call: { tls: 'tls', sni: 'shop.example' },
      want: 'any',
    },
    {
      title: 'is that of TLS',
      chains: [tcpChain('plain', { transportProtocol: 'raw_buffer' }), tcpChain('tls', { transportProtocol: 'tls' })],
      call: { tls: 'tls' },
      want: 'tls',
    },
    {
      title: 'is that of plain HTTP/2, which the inspector detects',
      chains: [tcpChain('any'), tcpChain('http', { applicationProtocols: ['http/1.1', 'h2c'] })],
      call: { protocol: 'http2' },
      want: 'http',
    },
    {
      title: 'is that without a condition for bytes that are not HTTP',
      chains: [tcpChain('any'), tcpChain('http', { applicationProtocols: ['http/1.1', 'h2c'] })],
      call: { protocol: 'tcp' },
      want: 'any',
    },
    {
      title: 'is that of the first protocol that the client offers',
      chains: [
        tcpChain('one', { applicationProtocols: ['http/1.1'] }),
        tcpChain('two', { applicationProtocols: ['h2'] }),
      ],
      call: { tls: 'tls', alpn: ['h2', 'http/1.1'] },
      want: 'two',
    },
    {
      title: 'is that of its source',
      chains: [
        tcpChain('any'),
        tcpChain('local', { sourceType: 'SAME_IP_OR_LOOPBACK' }),
        tcpChain('range', { sourcePrefixRanges: [range('10.9.0.0', 16)] }),
      ],
      call: { source: { address: '10.9.1.1', port: 40_000 } },
      want: 'range',
    },
  ] as const satisfies readonly {
    title: string;
    chains: FilterChainJson[];
    call?: Partial<SimulatedCall>;
    want: string;
  }[]) {
    it(title, () => {
      expect(answerOf([...chains], call).chain).toBe(want);
    });
  }

  it('does not go back to a less exact chain if a later condition fails', () => {
    const chains = [tcpChain('port', { destinationPort: 80, transportProtocol: 'tls' }), tcpChain('any')];

    expect(answerOf(chains, {}).outcome).toMatchObject({ error: 'no-chain' });
  });

  it('is the default one if none fits', () => {
    const chains = [tcpChain('port', { destinationPort: 81 })];

    expect(answerOf(chains, {}, { defaultFilterChain: tcpChain('default') }).chain).toBe('default');
    expect(answerOf(chains, {}).outcome).toMatchObject({ error: 'no-chain' });
  });

  it('is ambiguous if two have equal conditions', () => {
    expect(answerOf([tcpChain('one'), tcpChain('two')], {}).outcome).toEqual({
      type: 'error',
      error: 'several-chains',
      reason: 'one, two have equal conditions',
    });
  });
});

describe('a listener without the inspector of TLS', () => {
  const listenerFilters = [{ name: 'envoy.filters.listener.http_inspector' }];

  it('sees neither TLS nor the server name', () => {
    const chains = [tcpChain('any'), tcpChain('named', { serverNames: ['shop'] })];

    expect(answerOf(chains, { tls: 'tls', sni: 'shop' }, { listenerFilters }).chain).toBe('any');
  });
});

it('an inspector can be off for a range of ports', () => {
  const off = { destinationPortRange: { start: 80, end: 81 } };
  const listenerFilters = [{ name: 'envoy.filters.listener.http_inspector', filterDisabled: off }];
  const chains = [tcpChain('any'), tcpChain('http', { applicationProtocols: ['http/1.1'] })];

  expect(answerOf(chains, {}, { listenerFilters }).chain).toBe('any');
  const elsewhere = { notMatch: off };
  expect(answerOf(chains, {}, { listenerFilters: [{ ...listenerFilters[0], filterDisabled: elsewhere }] }).chain).toBe(
    'http',
  );
});

describe('a chain', () => {
  const withTls = (requireClientCertificate: boolean): FilterChainJson => ({
    ...httpChain([]),
    transportSocket: {
      name: 'tls',
      typedConfig: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
        requireClientCertificate,
      } as object,
    },
  });

  for (const { title, chain, call, want } of [
    { title: 'with TLS fails for plain text', chain: withTls(false), call: {}, want: 'tls-error' },
    { title: 'can require a client certificate', chain: withTls(true), call: { tls: 'tls' }, want: 'mtls-error' },
    { title: 'that requests none fails for one', chain: withTls(false), call: { tls: 'mtls' }, want: 'mtls-error' },
    { title: 'for plain HTTP fails for TLS', chain: httpChain([]), call: { tls: 'tls' }, want: 'protocol-error' },
    { title: 'for HTTP fails for bytes', chain: httpChain([]), call: { protocol: 'tcp' }, want: 'protocol-error' },
  ] as const) {
    it(title, () => {
      expect(answerOf([chain], call).outcome).toMatchObject({ error: want });
    });
  }
});
