import type { FileDescriptorProtoJson } from '@bufbuild/protobuf/wkt';

type Field = NonNullable<NonNullable<FileDescriptorProtoJson['messageType']>[number]['field']>[number];

const field = (number: number, name: string, type: NonNullable<Field['type']>): Field => ({
  ...{ number, name, type },
  label: 'LABEL_OPTIONAL',
});
const message = (number: number, name: string, type: string): Field => ({
  ...field(number, name, 'TYPE_MESSAGE'),
  typeName: `.grpc.testing.${type}`,
});

/** Messages of `grpc.testing.TestService`, as far as the tests use them. */
export const testMessages: FileDescriptorProtoJson & { readonly name: string } = {
  name: 'grpc/testing/messages.proto',
  package: 'grpc.testing',
  syntax: 'proto3',
  messageType: [
    { name: 'Empty' },
    { name: 'BoolValue', field: [field(1, 'value', 'TYPE_BOOL')] },
    { name: 'Payload', field: [field(1, 'type', 'TYPE_INT32'), field(2, 'body', 'TYPE_BYTES')] },
    { name: 'EchoStatus', field: [field(1, 'code', 'TYPE_INT32'), field(2, 'message', 'TYPE_STRING')] },
    {
      name: 'SimpleRequest',
      field: [
        field(2, 'response_size', 'TYPE_INT32'),
        message(3, 'payload', 'Payload'),
        message(6, 'response_compressed', 'BoolValue'),
        message(7, 'response_status', 'EchoStatus'),
      ],
    },
    { name: 'SimpleResponse', field: [message(1, 'payload', 'Payload')] },
    { name: 'StreamingInputCallRequest', field: [message(1, 'payload', 'Payload')] },
    { name: 'StreamingInputCallResponse', field: [field(1, 'aggregated_payload_size', 'TYPE_INT32')] },
    { name: 'ResponseParameters', field: [field(1, 'size', 'TYPE_INT32'), field(2, 'interval_us', 'TYPE_INT32')] },
    {
      name: 'StreamingOutputCallRequest',
      field: [
        { ...message(2, 'response_parameters', 'ResponseParameters'), label: 'LABEL_REPEATED' },
        message(3, 'payload', 'Payload'),
        message(7, 'response_status', 'EchoStatus'),
      ],
    },
    { name: 'StreamingOutputCallResponse', field: [message(1, 'payload', 'Payload')] },
  ],
};
