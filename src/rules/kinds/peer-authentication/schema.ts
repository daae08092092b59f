import { z } from 'zod';
import { selector } from '../shared/workload-target.ts';

const mutualTls = z.strictObject({
  mode: z
    .enum(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT'])
    .optional()
    .describe('UNSET inherits the mode of the next wider scope; PERMISSIVE accepts plaintext as well, STRICT does not'),
});

const port = z
  .string()
  .refine((text) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535, 'a port must be 1 to 65535');

/** PeerAuthentication of security.istio.io: https://istio.io/latest/docs/reference/config/security/peer_authentication/ */
export const peerAuthenticationSpec = z
  .strictObject({
    selector: selector
      .optional()
      .describe('workloads of the policy; without it all of the namespace, or of the mesh in the root namespace'),
    mtls: mutualTls.optional().describe('whether connections must use mutual TLS'),
    portLevelMtls: z
      .record(port, mutualTls)
      .refine((ports) => Object.keys(ports).length > 0, 'must have a port, or be left out')
      .meta({ minProperties: 1 })
      .optional()
      .describe('another mode for some ports of the workload; needs a selector'),
  })
  .superRefine(({ selector, portLevelMtls }, context) => {
    if (portLevelMtls === undefined || Object.keys(selector?.matchLabels ?? {}).length > 0) return;
    const message = 'needs a selector with matchLabels: ports are those of a workload, not of a namespace';
    context.addIssue({ code: 'custom', path: ['portLevelMtls'], message });
  });

export type PeerAuthenticationSpec = z.infer<typeof peerAuthenticationSpec>;
