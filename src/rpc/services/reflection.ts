import type { DescFile, JsonObject } from '@bufbuild/protobuf';
import type { BidiStreamingMethod } from '../handlers/handler.ts';
import { statusCodes } from '../status.ts';
import { encodedFile, type FileIndex, indexFiles } from './file-index.ts';
import { type JsonMessage, protoFile } from './messages.ts';
import { reflectionDescriptor } from './reflection-descriptor.ts';

/**
 * Serves `grpc.reflection.v1.ServerReflection` and the older `v1alpha`, which has the same messages
 * (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md). Shows the services of `files`, and itself.
 */
export function reflectionMethods(files: readonly DescFile[]): readonly BidiStreamingMethod[] {
  const versions = (['grpc.reflection.v1', 'grpc.reflection.v1alpha'] as const).map((name) => ({
    path: `/${name}.ServerReflection/ServerReflectionInfo`,
    proto: protoFile(reflectionDescriptor(name)),
  }));
  const shown = [...files, ...versions.map(({ proto }) => proto.file)];
  let index: FileIndex | null = null; // built on the first request: most servers never get one
  return versions.map(({ path, proto }) => ({
    type: 'bidi-streaming',
    path,
    async *handle(requests) {
      const request = proto.message('ServerReflectionRequest');
      const response = proto.message('ServerReflectionResponse');
      index ??= indexFiles(shown);
      yield* answers(requests, { request, response, index });
    },
  }));
}

interface Means {
  readonly request: JsonMessage;
  readonly response: JsonMessage;
  readonly index: FileIndex;
}

async function* answers(requests: AsyncIterable<Uint8Array>, means: Means): AsyncGenerator<Uint8Array> {
  const sent = new Set<DescFile>();
  for await (const bytes of requests) {
    const request = means.request.decode(bytes);
    yield means.response.encode({
      valid_host: String(request.host ?? ''),
      original_request: request,
      ...answer(request, means.index, sent),
    });
  }
}

function answer(request: JsonObject, index: FileIndex, sent: Set<DescFile>): JsonObject {
  const {
    file_by_filename,
    file_containing_symbol,
    file_containing_extension,
    all_extension_numbers_of_type,
    list_services,
  } = request;
  if (typeof file_by_filename === 'string') return filesOf(index.byName.get(file_by_filename), sent);
  if (typeof file_containing_symbol === 'string') return filesOf(index.bySymbol.get(file_containing_symbol), sent);
  if (typeof file_containing_extension === 'object' && file_containing_extension !== null) {
    const { containing_type = '', extension_number = 0 } = file_containing_extension as JsonObject; // a message
    return filesOf(index.extensions.get(String(containing_type))?.get(Number(extension_number)), sent);
  }
  if (typeof all_extension_numbers_of_type === 'string') return extensionNumbers(all_extension_numbers_of_type, index);
  if (typeof list_services === 'string') {
    return { list_services_response: { service: index.services.map((name) => ({ name })) } };
  }
  return failure('INVALID_ARGUMENT', 'the request asks for nothing');
}

/** Returns the file and its imports, without those already sent on this stream. */
function filesOf(file: DescFile | undefined, sent: Set<DescFile>): JsonObject {
  if (file === undefined) return failure('NOT_FOUND', 'nothing of that name is served here');
  const wanted: DescFile[] = [];
  const seen = new Set([file]);
  for (const one of seen) {
    if (one === file || !sent.has(one)) wanted.push(one);
    sent.add(one);
    for (const dependency of one.dependencies) seen.add(dependency); // a set may grow during iteration: new files are visited as well
  }
  return { file_descriptor_response: { file_descriptor_proto: wanted.map(encodedFile) } };
}

function extensionNumbers(type: string, index: FileIndex): JsonObject {
  if (!index.messages.has(type)) return failure('NOT_FOUND', 'no such message is served here');
  const numbers = [...(index.extensions.get(type)?.keys() ?? [])];
  return { all_extension_numbers_response: { base_type_name: type, extension_number: numbers } };
}

const failure = (code: keyof typeof statusCodes, error_message: string): JsonObject => ({
  error_response: { error_code: statusCodes[code], error_message },
});
