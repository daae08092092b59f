import { z } from 'zod';
import { orNull } from '../../fields.ts';
import { selector } from '../shared/workload-target.ts';

/** ProxyConfig of networking.istio.io: https://istio.io/latest/docs/reference/config/networking/proxy-config/ */
export const proxyConfigSpec = z.strictObject({
  selector: selector
    .optional()
    .describe(
      'workloads whose proxies it is for; without it all of the namespace, or of the mesh in the root namespace',
    ),
  concurrency: orNull(z.int32().min(0, 'must be 0 (all cores) or more')).describe(
    'worker threads of a proxy; 0 uses all cores, left out follows the CPU limit',
  ),
  environmentVariables: z
    .record(
      z.string().min(1, 'the name of a variable must not be empty'),
      z.string().max(2_048, 'must be at most 2048 characters'),
    )
    .optional()
    .describe('further environment variables of a proxy, by name'),
  image: z
    .strictObject({
      imageType: z
        .string()
        .optional()
        .describe('which image of the proxy: default, debug, distroless or one of your own'),
    })
    .optional()
    .describe('the image that the proxy is started from'),
});

export type ProxyConfigSpec = z.infer<typeof proxyConfigSpec>;
