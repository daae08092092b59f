import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { bootstrapCommand } from '../../../src/cli/bootstrap.ts';
import { cliWorld } from '../../support/cli.ts';

async function bootstrap(flags: string) {
  const { context, out } = cliWorld();
  await bootstrapCommand.run(flags.split(' ').filter(Boolean), context);
  return parse(out()); // JSON is YAML
}

describe('binnacle bootstrap', () => {
  it('prints Envoy’s identity and control plane, for incremental xDS', async () => {
    const flags =
      '--id reviews-v1 --namespace bookinfo --ip 10.0.0.7 --label app=reviews --label version=v1 --locality cn/z1';
    expect(await bootstrap(`${flags} --xds 10.0.0.1:15010 --admin-port 19000 --mode none`)).toMatchObject({
      node: {
        id: 'sidecar~10.0.0.7~reviews-v1.bookinfo~bookinfo.svc.cluster.local',
        cluster: 'reviews-v1.bookinfo',
        locality: { region: 'cn', zone: 'z1', sub_zone: '' },
        metadata: { NAMESPACE: 'bookinfo', LABELS: { app: 'reviews', version: 'v1' }, INTERCEPTION_MODE: 'NONE' },
      },
      admin: { address: { socket_address: { address: '127.0.0.1', port_value: 19000 } } },
      dynamic_resources: { ads_config: { api_type: 'DELTA_GRPC' }, cds_config: { ads: {} }, lds_config: { ads: {} } },
      static_resources: {
        clusters: [
          {
            type: 'STATIC',
            load_assignment: {
              endpoints: [
                {
                  lb_endpoints: [
                    { endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: 15010 } } } },
                  ],
                },
              ],
            },
          },
        ],
      },
    });
  });

  it('raises the limit of regular expressions, which administrators can change', async () => {
    expect(await bootstrap('')).toMatchObject({
      layered_runtime: {
        layers: [
          { name: 'binnacle', static_layer: { 're2.max_program_size.error_level': 32_768 } },
          { name: 'admin', admin_layer: {} },
        ],
      },
    });
  });

  it('selects state of the world, and resolves a name by DNS', async () => {
    expect(await bootstrap('--sotw --xds binnacle.example:15010')).toMatchObject({
      node: { metadata: { INTERCEPTION_MODE: 'REDIRECT' } },
      dynamic_resources: { ads_config: { api_type: 'GRPC' } },
      static_resources: { clusters: [{ type: 'STRICT_DNS' }] },
    });
  });

  it('keeps a complete node id and reads the namespace from it', async () => {
    const id = 'router~10.0.0.7~edge.gateways~gateways.svc.cluster.local';
    expect(await bootstrap(`--id ${id}`)).toMatchObject({ node: { id, metadata: { NAMESPACE: 'gateways' } } });
  });

  it('prints a bootstrap that gRPC accepts', async () => {
    expect(await bootstrap('--kind grpc --id client --xds [::1]:15010')).toEqual({
      xds_servers: [{ server_uri: '[::1]:15010', channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
      server_listener_resource_name_template: 'grpc/server?xds.resource.listening_address=%s',
      node: {
        id: 'sidecar~127.0.0.1~client.default~default.svc.cluster.local',
        cluster: 'client.default',
        locality: {}, // grpc-js rejects a node without one
        metadata: { NAMESPACE: 'default', LABELS: {}, INTERCEPTION_MODE: 'REDIRECT' },
      },
    });
  });

  it('lists all addresses of a workload, and its interception mode', async () => {
    expect(await bootstrap('--id shop --ip 10.0.0.7 --ip fd00::7 --mode tproxy')).toMatchObject({
      node: {
        id: 'sidecar~10.0.0.7~shop.default~default.svc.cluster.local',
        metadata: { INSTANCE_IPS: '10.0.0.7,fd00::7', INTERCEPTION_MODE: 'TPROXY' },
      },
    });
    const id = 'sidecar~10.0.0.7~shop.default~default.svc.cluster.local';
    const { node } = await bootstrap(`--id ${id} --ip fd00::7 --ip 10.0.0.7`);
    expect(node).toMatchObject({ id, metadata: { INSTANCE_IPS: '10.0.0.7,fd00::7' } });
    expect((await bootstrap('--ip 10.0.0.7')).node.metadata).not.toHaveProperty('INSTANCE_IPS');
  });

  it('verifies the control plane by CA and name, with a client certificate', async () => {
    const { static_resources } = await bootstrap('--tls --ca ca.pem --cert me.pem --key me.key --xds xds.test:15012');
    expect(static_resources.clusters[0].transport_socket.typed_config).toEqual({
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      sni: 'xds.test',
      common_tls_context: {
        alpn_protocols: ['h2'],
        tls_certificates: [{ certificate_chain: { filename: 'me.pem' }, private_key: { filename: 'me.key' } }],
        validation_context: {
          trusted_ca: { filename: 'ca.pem' },
          match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'xds.test' } }],
        },
      },
    });
  });

  it('verifies an IP address in the certificate, without a client certificate', async () => {
    const { static_resources } = await bootstrap('--tls --ca ca.pem');
    expect(static_resources.clusters[0]).toMatchObject({
      load_assignment: {
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { port_value: 15012 } } } }] }],
      },
    });
    expect(static_resources.clusters[0].transport_socket.typed_config).toEqual({
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      common_tls_context: {
        alpn_protocols: ['h2'],
        validation_context: {
          trusted_ca: { filename: 'ca.pem' },
          match_typed_subject_alt_names: [{ san_type: 'IP_ADDRESS', matcher: { exact: '127.0.0.1' } }],
        },
      },
    });
  });

  it('prints the same TLS settings for gRPC', async () => {
    const flags = '--kind grpc --tls --ca ca.pem --cert me.pem --key me.key --xds xds.test:15012';
    expect((await bootstrap(flags)).xds_servers[0]).toMatchObject({
      server_uri: 'xds.test:15012',
      channel_creds: [
        {
          type: 'tls',
          config: { ca_certificate_file: 'ca.pem', certificate_file: 'me.pem', private_key_file: 'me.key' },
        },
      ],
    });
  });

  for (const { flags, says } of [
    { flags: '--tls', says: '--tls needs --ca FILE' },
    { flags: '--ca ca.pem', says: '--ca needs --tls' },
    { flags: '--tls --ca ca.pem --key me.key', says: '--cert and --key need each other' },
    { flags: '--kind grpc --tls --ca ca.pem --server-name xds.test', says: '--server-name: gRPC checks' },
    { flags: '--kind nginx', says: '--kind must be envoy or grpc, not "nginx"' },
    { flags: '--mode both', says: '--mode must be redirect or none or tproxy' },
    { flags: '--delta --sotw', says: 'exclude each other' },
    { flags: '--id sidecar~a~b', says: '--id with "~" must be' },
    { flags: '--ip here', says: '--ip must be an IP address' },
    { flags: '--label app', says: '--label must be KEY=VALUE' },
    { flags: '--admin-port 99999', says: '--admin-port must be' },
    { flags: '--xds here', says: '--xds must be host:port' },
  ]) {
    it(`rejects ${flags}`, async () => {
      await expect(bootstrap(flags)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(says),
      });
    });
  }
});
