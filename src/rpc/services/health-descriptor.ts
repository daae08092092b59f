import type { FileDescriptorProtoJson } from '@bufbuild/protobuf/wkt';

/** The .proto file of gRPC's health checking. */
export const healthDescriptor: FileDescriptorProtoJson & { readonly name: string } = {
  name: 'grpc/health/v1/health.proto',
  package: 'grpc.health.v1',
  syntax: 'proto3',
  messageType: [
    {
      name: 'HealthCheckRequest',
      field: [{ name: 'service', number: 1, label: 'LABEL_OPTIONAL', type: 'TYPE_STRING' }],
    },
    {
      name: 'HealthCheckResponse',
      field: [
        {
          ...{ name: 'status', number: 1, label: 'LABEL_OPTIONAL' },
          ...{ type: 'TYPE_ENUM', typeName: '.grpc.health.v1.HealthCheckResponse.ServingStatus' },
        },
      ],
      enumType: [
        {
          name: 'ServingStatus',
          value: [
            { name: 'UNKNOWN', number: 0 },
            { name: 'SERVING', number: 1 },
            { name: 'NOT_SERVING', number: 2 },
            { name: 'SERVICE_UNKNOWN', number: 3 },
          ],
        },
      ],
    },
    { name: 'HealthListRequest' },
    {
      name: 'HealthListResponse',
      field: [
        {
          ...{ name: 'statuses', number: 1, label: 'LABEL_REPEATED' },
          ...{ type: 'TYPE_MESSAGE', typeName: '.grpc.health.v1.HealthListResponse.StatusesEntry' },
        },
      ],
      nestedType: [
        {
          name: 'StatusesEntry',
          options: { mapEntry: true },
          field: [
            { name: 'key', number: 1, label: 'LABEL_OPTIONAL', type: 'TYPE_STRING' },
            {
              ...{ name: 'value', number: 2, label: 'LABEL_OPTIONAL' },
              ...{ type: 'TYPE_MESSAGE', typeName: '.grpc.health.v1.HealthCheckResponse' },
            },
          ],
        },
      ],
    },
  ],
  service: [
    {
      name: 'Health',
      method: [
        {
          name: 'Check',
          inputType: '.grpc.health.v1.HealthCheckRequest',
          outputType: '.grpc.health.v1.HealthCheckResponse',
        },
        {
          name: 'List',
          inputType: '.grpc.health.v1.HealthListRequest',
          outputType: '.grpc.health.v1.HealthListResponse',
        },
        {
          name: 'Watch',
          inputType: '.grpc.health.v1.HealthCheckRequest',
          outputType: '.grpc.health.v1.HealthCheckResponse',
          serverStreaming: true,
        },
      ],
    },
  ],
};
