import type { FileDescriptorProtoJson } from '@bufbuild/protobuf/wkt';

/** Returns the .proto file of server reflection in one of its two packages. */
export function reflectionDescriptor(name: string): FileDescriptorProtoJson & { readonly name: string } {
  const type = (message: string) => `.${name}.${message}`;
  return {
    name: `${name.replaceAll('.', '/')}/reflection.proto`,
    package: name,
    syntax: 'proto3',
    messageType: [
      {
        name: 'ServerReflectionRequest',
        oneofDecl: [{ name: 'message_request' }],
        field: [
          text('host', 1),
          { ...text('file_by_filename', 3), oneofIndex: 0 },
          { ...text('file_containing_symbol', 4), oneofIndex: 0 },
          { ...message('file_containing_extension', 5, type('ExtensionRequest')), oneofIndex: 0 },
          { ...text('all_extension_numbers_of_type', 6), oneofIndex: 0 },
          { ...text('list_services', 7), oneofIndex: 0 },
        ],
      },
      { name: 'ExtensionRequest', field: [text('containing_type', 1), int32('extension_number', 2)] },
      {
        name: 'ServerReflectionResponse',
        oneofDecl: [{ name: 'message_response' }],
        field: [
          text('valid_host', 1),
          message('original_request', 2, type('ServerReflectionRequest')),
          { ...message('file_descriptor_response', 4, type('FileDescriptorResponse')), oneofIndex: 0 },
          { ...message('all_extension_numbers_response', 5, type('ExtensionNumberResponse')), oneofIndex: 0 },
          { ...message('list_services_response', 6, type('ListServiceResponse')), oneofIndex: 0 },
          { ...message('error_response', 7, type('ErrorResponse')), oneofIndex: 0 },
        ],
      },
      {
        name: 'FileDescriptorResponse',
        field: [{ name: 'file_descriptor_proto', number: 1, label: 'LABEL_REPEATED', type: 'TYPE_BYTES' }],
      },
      {
        name: 'ExtensionNumberResponse',
        field: [text('base_type_name', 1), { ...int32('extension_number', 2), label: 'LABEL_REPEATED' }],
      },
      {
        name: 'ListServiceResponse',
        field: [{ ...message('service', 1, type('ServiceResponse')), label: 'LABEL_REPEATED' }],
      },
      { name: 'ServiceResponse', field: [text('name', 1)] },
      { name: 'ErrorResponse', field: [int32('error_code', 1), text('error_message', 2)] },
    ],
    service: [
      {
        name: 'ServerReflection',
        method: [
          {
            name: 'ServerReflectionInfo',
            inputType: type('ServerReflectionRequest'),
            outputType: type('ServerReflectionResponse'),
            clientStreaming: true,
            serverStreaming: true,
          },
        ],
      },
    ],
  };
}

const text = (name: string, number: number) =>
  ({ name, number, label: 'LABEL_OPTIONAL', type: 'TYPE_STRING' }) as const;

const int32 = (name: string, number: number) =>
  ({ name, number, label: 'LABEL_OPTIONAL', type: 'TYPE_INT32' }) as const;

const message = (name: string, number: number, typeName: string) =>
  ({ name, number, label: 'LABEL_OPTIONAL', type: 'TYPE_MESSAGE', typeName }) as const;
