import { z } from 'zod';
import { orNull } from '../../fields.ts';
import { selector } from '../shared/workload-target.ts';

/** ProxyConfig of networking.istio.io: https://istio.io/latest/docs/reference/config/networking/proxy-config/ */
export const proxyConfigSpec = z.strictObject({
  selector: selector
    .optional()
    .describe(
      'workloads whose proxies it configures; without it all of the namespace, or of the mesh in the root namespace',
    ),
  concurrency: orNull(z.int32().min(0, 'must be 0 (all cores) or more')).describe(
    'worker threads of a proxy; 0 uses all cores; follows the CPU limit if left out',
  ),
  environmentVariables: z
    .record(
      z.string().min(1, 'the name of a variable must not be empty'),
      z.string().max(2_048, 'must be at most 2048 characters'),
    )
    .optional()
    .describe('additional environment variables of a proxy, by name'),
  image: z
    .strictObject({
      imageType: z.string().optional().describe('image of the proxy: default, debug, distroless or a custom one'),
    })
    .optional()
    .describe('image that the proxy starts from'),
});

export type ProxyConfigSpec = z.infer<typeof proxyConfigSpec>;
