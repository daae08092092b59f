import {
  createFileRegistry,
  type DescFile,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { type FileDescriptorProtoJson, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { RpcError } from '../status.ts';

/** Messages of one .proto file, read and written as JSON. Suits services that are rarely called. */
export interface ProtoFile {
  readonly file: DescFile;
  message(name: string): JsonMessage;
}

export interface JsonMessage {
  /**
   * Decodes a message into the field names of the .proto file, without fields that have their default. Throws a
   * RpcError for invalid bytes.
   */
  decode(bytes: Uint8Array): JsonObject;
  encode(json: JsonObject): Uint8Array;
}

/**
 * Creates a ProtoFile from a descriptor in this code: no package has those of gRPC's own services. `descriptor` is a
 * `google.protobuf.FileDescriptorProto` without imports.
 */
export function protoFile(descriptor: FileDescriptorProtoJson & { readonly name: string }): ProtoFile {
  const registry = createFileRegistry(fromJson(FileDescriptorProtoSchema, descriptor), () => undefined);
  const file = registry.getFile(descriptor.name);
  if (file === undefined) throw new Error(`${descriptor.name} was just registered`);
  return {
    file,
    message(name) {
      const message = registry.getMessage(`${descriptor.package}.${name}`);
      if (message === undefined) throw new Error(`${descriptor.name} has no message ${name}`);
      return jsonMessage(message);
    },
  };
}

const jsonMessage = (message: DescMessage): JsonMessage => ({
  decode(bytes) {
    try {
      const json = toJson(message, fromBinary(message, bytes), { useProtoFieldName: true });
      return json as JsonObject; // the message is not a well-known type
    } catch (cause) {
      throw new RpcError('INVALID_ARGUMENT', `the request is no ${message.typeName}`, { cause });
    }
  },
  encode: (json) => toBinary(message, fromJson(message, json)),
});
