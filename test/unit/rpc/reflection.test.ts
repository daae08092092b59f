import { fromBinary, type JsonObject } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, file_google_protobuf_descriptor } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { file_envoy_service_discovery_v3_ads } from '#gen/envoy/service/discovery/v3/ads_pb.js';
import { frame } from '../../../src/rpc/frame.ts';
import { protoFile } from '../../../src/rpc/services/messages.ts';
import { reflectionMethods } from '../../../src/rpc/services/reflection.ts';
import { reflectionDescriptor } from '../../../src/rpc/services/reflection-descriptor.ts';
import { answerOf, grpcHeaders, rawClient, serveMethods } from './harness.ts';

const files = [file_envoy_service_discovery_v3_ads, file_google_protobuf_descriptor];

/** Sends all requests on one stream. */
async function ask(requests: readonly JsonObject[], version = 'grpc.reflection.v1'): Promise<JsonObject[]> {
  const proto = protoFile(reflectionDescriptor(version));
  const { port } = await serveMethods(reflectionMethods(files));
  const path = `/${version}.ServerReflection/ServerReflectionInfo`;
  const stream = rawClient(port).request({ ...grpcHeaders, ':path': path });
  const answer = answerOf(stream);
  for (const request of requests) {
    stream.write(Buffer.concat(frame([proto.message('ServerReflectionRequest').encode(request)])));
  }
  stream.end();
  const { body, trailers } = await answer;
  expect(trailers).toMatchObject({ 'grpc-status': '0' });
  const responses: JsonObject[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    responses.push(proto.message('ServerReflectionResponse').decode(body.subarray(at + 5, end)));
    at = end;
  }
  return responses;
}

/** Returns the names of the files in a response, in order. */
function fileNames(response: JsonObject | undefined): string[] {
  const { file_descriptor_proto: encoded = [] } = (response?.file_descriptor_response ?? {}) as {
    file_descriptor_proto?: string[]; // bytes in JSON
  };
  return encoded.map((text) => fromBinary(FileDescriptorProtoSchema, Buffer.from(text, 'base64')).name);
}

const service = 'envoy.service.discovery.v3.AggregatedDiscoveryService';
const adsFile = 'envoy/service/discovery/v3/ads.proto';

describe('server reflection', () => {
  for (const version of ['grpc.reflection.v1', 'grpc.reflection.v1alpha']) {
    it(`lists services, including itself (${version})`, async () => {
      const [response] = await ask([{ host: 'me', list_services: '*' }], version);
      expect(response).toEqual({
        valid_host: 'me',
        original_request: { host: 'me', list_services: '*' },
        list_services_response: {
          service: [
            { name: service },
            { name: 'grpc.reflection.v1.ServerReflection' },
            { name: 'grpc.reflection.v1alpha.ServerReflection' },
          ],
        },
      });
    });
  }

  for (const symbol of [service, `${service}.StreamAggregatedResources`]) {
    it(`finds the file of ${symbol}, with all its imports`, async () => {
      const [response] = await ask([{ file_containing_symbol: symbol }]);
      const names = fileNames(response);
      expect(names[0]).toBe(adsFile);
      expect(names).toContain('envoy/service/discovery/v3/discovery.proto');
      expect(names).toContain('google/protobuf/any.proto');
      expect(new Set(names).size).toBe(names.length);
    });
  }

  for (const symbol of [
    'envoy.service.discovery.v3.DiscoveryRequest',
    'envoy.service.discovery.v3.DiscoveryRequest.node',
    'envoy.config.core.v3.SocketAddress.Protocol',
    'envoy.config.core.v3.SocketAddress.TCP',
  ]) {
    it(`finds ${symbol}`, async () => {
      const [response] = await ask([{ file_containing_symbol: symbol }]);
      expect(fileNames(response).length).toBeGreaterThan(0);
    });
  }

  it('sends each import once per stream', async () => {
    const [first, second] = await ask([{ file_by_filename: adsFile }, { file_by_filename: adsFile }]);
    expect(fileNames(first).length).toBeGreaterThan(5);
    expect(fileNames(second)).toEqual([adsFile]);
  });

  it('finds extensions by number', async () => {
    const type = 'google.protobuf.MessageOptions';
    const [numbers] = await ask([{ all_extension_numbers_of_type: type }]);
    const { extension_number: all = [] } = (numbers?.all_extension_numbers_response ?? {}) as {
      extension_number?: number[]; // int32
    };
    expect(all.length).toBeGreaterThan(0);
    const [file] = await ask([{ file_containing_extension: { containing_type: type, extension_number: all[0] ?? 0 } }]);
    expect(fileNames(file).length).toBeGreaterThan(0);
  });

  for (const { name, request, code } of [
    { name: 'a symbol', request: { file_containing_symbol: 'no.Such' }, code: 5 },
    { name: 'a file', request: { file_by_filename: 'no.proto' }, code: 5 },
    { name: 'a message with extensions', request: { all_extension_numbers_of_type: 'no.Such' }, code: 5 },
    {
      name: 'an extension',
      request: { file_containing_extension: { containing_type: 'no.Such', extension_number: 1 } },
      code: 5,
    },
    { name: 'an empty request', request: {}, code: 3 },
  ]) {
    it(`does not find ${name}, and continues`, async () => {
      const [missing, next] = await ask([request, { file_by_filename: adsFile }]);
      expect(missing?.error_response).toMatchObject({ error_code: code });
      expect(fileNames(next)[0]).toBe(adsFile);
    });
  }
});
