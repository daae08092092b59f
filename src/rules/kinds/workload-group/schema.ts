import { z } from 'zod';
import { int32Count, labels, portNumber } from '../../fields.ts';
import { exactlyOneOf } from '../../one-of.ts';
import { workloadTemplate } from '../workload-entry/schema.ts';

const maxEntries = 256;

const textByName = labels
  .refine((value) => Object.keys(value).length <= maxEntries, `must have at most ${maxEntries} entries`)
  .meta({ maxProperties: maxEntries });

const httpHeader = z.strictObject({
  name: z
    .string()
    .regex(/^[-_A-Za-z0-9]+$/, 'must be letters, digits, "-" and "_"')
    .optional()
    .describe('name of the header'),
  value: z.string().optional().describe('its value'),
});

const httpGet = z.strictObject({
  path: z.string().optional().describe('path of the request'),
  port: portNumber.describe('port of the request'),
  host: z.string().optional().describe("host to connect to; the workload's own address if left out"),
  scheme: z
    .string()
    .refine((text) => ['', 'HTTP', 'HTTPS'].includes(text), 'must be HTTP or HTTPS')
    .optional()
    .describe('HTTP (default) or HTTPS'),
  httpHeaders: z.array(httpHeader).optional().describe('headers to send; a name may occur several times'),
});

const probe = exactlyOneOf(
  z.strictObject({
    initialDelaySeconds: int32Count.optional().describe('seconds from the start to the first probe'),
    timeoutSeconds: int32Count.optional().describe('timeout in seconds; 1 if left out'),
    periodSeconds: int32Count.optional().describe('seconds between probes; 10 if left out'),
    successThreshold: int32Count.optional().describe('consecutive successes until it is ready; 1 if left out'),
    failureThreshold: int32Count.optional().describe('consecutive failures until it is not ready; 3 if left out'),
    httpGet: httpGet.optional().describe('ready when the answer to a request is 2xx or 3xx'),
    tcpSocket: z
      .strictObject({
        host: z.string().optional().describe('host to connect to; localhost if left out'),
        port: portNumber.describe('port to connect to'),
      })
      .optional()
      .describe('ready when a connection succeeds'),
    exec: z
      .strictObject({
        command: z.array(z.string().min(1)).min(1).describe('program and its arguments'),
      })
      .optional()
      .describe('ready when a command exits with 0'),
    grpc: z
      .strictObject({
        port: portNumber.optional().describe('port of the request'),
        service: z.string().optional().describe('service to ask about'),
      })
      .optional()
      .describe("ready when gRPC's health service reports it"),
  }),
  ['httpGet', 'tcpSocket', 'exec', 'grpc'],
);

/** WorkloadGroup of networking.istio.io: https://istio.io/latest/docs/reference/config/networking/workload-group/ */
export const workloadGroupSpec = z.strictObject({
  metadata: z
    .strictObject({
      labels: textByName.optional().describe('labels for each of them'),
      annotations: textByName.optional().describe('annotations for each of them'),
    })
    .optional()
    .describe('metadata of the created WorkloadEntries'),
  template: workloadTemplate.describe('fields that the created WorkloadEntries share'),
  probe: probe.optional().describe('check of whether a workload is ready'),
});

export type WorkloadGroupSpec = z.infer<typeof workloadGroupSpec>;
