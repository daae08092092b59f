// Generates src/proto/gen from the .proto files of npm packages, limited to the messages in use and their imports. It
// is plain JavaScript, because it runs before the build.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const shipped = join(root, 'node_modules/@grpc/grpc-js-xds/deps');

/** Files or folders whose messages the code uses; their imports are added. */
const wanted = [
  'envoy/admin/v3/config_dump.proto',
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/endpoint/v3/endpoint.proto',
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.proto',
  'envoy/extensions/filters/http/cors/v3/cors.proto',
  'envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.proto',
  'envoy/extensions/filters/http/fault/v3/fault.proto',
  'envoy/extensions/filters/http/router/v3/router.proto',
  'envoy/extensions/filters/listener/http_inspector/v3/http_inspector.proto',
  'envoy/extensions/filters/listener/original_dst/v3/original_dst.proto',
  'envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto',
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
  'envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy.proto',
  'envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto',
  'envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto',
  'envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.proto',
  'envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.proto',
  'envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.proto',
  'envoy/extensions/transport_sockets/tls/v3/tls.proto',
  'envoy/extensions/upstreams/http/v3/http_protocol_options.proto',
  'envoy/service/cluster/v3/cds.proto',
  'envoy/service/discovery/v3/ads.proto',
  'envoy/service/endpoint/v3/eds.proto',
  'envoy/service/extension/v3/config_discovery.proto',
  'envoy/service/listener/v3/lds.proto',
  'envoy/service/route/v3/rds.proto',
  'envoy/service/secret/v3/sds.proto',
  'envoy/service/status/v3/csds.proto',
];

export function generateProtos() {
  const work = mkdtempSync(join(tmpdir(), 'binnacle-protos-'));
  try {
    for (const part of [
      'envoy-api/envoy',
      'googleapis/google',
      'xds/udpa',
      'xds/xds',
      'protoc-gen-validate/validate',
    ]) {
      cpSync(join(shipped, part), join(work, part.split('/')[1]), { recursive: true });
    }
    addMissingOption(join(work, 'validate/validate.proto'));
    writeFileSync(join(work, 'buf.yaml'), 'version: v2\n');
    writeFileSync(join(work, 'buf.gen.yaml'), generation());
    rmSync(join(root, 'src/proto/gen'), { recursive: true, force: true });
    const paths = wanted.flatMap((path) => ['--path', path]);
    execFileSync(join(root, 'node_modules/.bin/buf'), ['generate', ...paths], { cwd: work, stdio: 'inherit' });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Runs the plugin, a Node.js program. `all` starts it once; the default starts it once per folder, which is much
 * slower.
 */
const generation = () => `version: v2
plugins:
  - local: ${join(root, 'node_modules/.bin/protoc-gen-es')}
    out: ${join(root, 'src/proto/gen')}
    opt: [target=js+dts, import_extension=js, json_types=true]
    include_imports: true
    strategy: all
`;

/** Adds an option that Envoy's API uses and the shipped validate.proto lacks. */
function addMissingOption(file) {
  const text = readFileSync(file, 'utf8');
  const patched = text.replace(/^message StringRules \{$/m, '$&\n  optional bool ignore_empty = 26;');
  if (patched === text) throw new Error('validate.proto has no StringRules: the shipped files changed');
  writeFileSync(file, patched);
}
