import { z } from 'zod';
import { wrongAttribute } from './attributes.ts';
import { wrongIpBlock, wrongPath, wrongPort, wrongServiceAccount, wrongTrustDomain } from './values.ts';

type Check = (value: string) => string | null;

const nothingWrong: Check = () => null;

/** A text that is not empty and that `wrong` accepts. */
const checked = (wrong: Check) =>
  z.string().superRefine((text, context) => {
    const message = text === '' ? 'must not be empty' : wrong(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

const texts = (about: string, wrong: Check = nothingWrong) => z.array(checked(wrong)).optional().describe(about);

const serviceAccounts = (about: string) =>
  z
    .array(checked(wrongServiceAccount).max(320, 'must be at most 320 characters'))
    .max(16, 'must be at most 16 service accounts')
    .optional()
    .describe(about);

/** The sender of a request. Texts may begin or end with `*`. A lone `*` matches any present value. */
export const source = z
  .strictObject({
    principals: texts('identities of the peer, from its certificate: cluster.local/ns/default/sa/web'),
    notPrincipals: texts('identities that the peer must not have'),
    requestPrincipals: texts('identities from a token: issuer/subject'),
    notRequestPrincipals: texts('identities from a token that must not be there'),
    namespaces: texts('namespaces of the peer, from its certificate'),
    notNamespaces: texts('namespaces that the peer must not be of'),
    serviceAccounts: serviceAccounts('service accounts of the peer: name, or namespace/name'),
    notServiceAccounts: serviceAccounts('service accounts that the peer must not have'),
    trustDomains: texts('trust domains of the peer, from its certificate', wrongTrustDomain),
    notTrustDomains: texts('trust domains that the peer must not be of', wrongTrustDomain),
    ipBlocks: texts('addresses or ranges that the packets come from', wrongIpBlock),
    notIpBlocks: texts('addresses or ranges that the packets must not come from', wrongIpBlock),
    remoteIpBlocks: texts(
      'addresses or ranges of the client, as X-Forwarded-For or the PROXY protocol say',
      wrongIpBlock,
    ),
    notRemoteIpBlocks: texts('addresses or ranges that the client must not have', wrongIpBlock),
  })
  .superRefine((source, context) => {
    if (source.serviceAccounts === undefined && source.notServiceAccounts === undefined) return;
    for (const field of ['principals', 'notPrincipals', 'namespaces', 'notNamespaces'] as const) {
      if (source[field] === undefined) continue;
      const message = 'cannot be set together with serviceAccounts or notServiceAccounts';
      context.addIssue({ code: 'custom', path: [field], message });
    }
  });

/**
 * The operation that a request asks for. Texts as in `source`; paths may contain `{*}` and `{**}` as whole segments.
 */
export const operation = z.strictObject({
  hosts: texts('hosts of the request, in any case'),
  notHosts: texts('hosts that it must not be for'),
  ports: texts('ports of the workload', wrongPort),
  notPorts: texts('ports that it must not come to', wrongPort),
  methods: texts('HTTP methods'),
  notMethods: texts('HTTP methods that it must not have'),
  paths: texts('paths, without the query; for gRPC /package.Service/Method', wrongPath),
  notPaths: texts('paths that it must not be for', wrongPath),
});

/** An additional condition on a request. */
export const condition = z
  .strictObject({
    key: z
      .string()
      .describe('attribute: request.headers[x-a], source.ip, destination.port, request.auth.claims[iss], …'),
    values: texts('values of which the attribute must have one'),
    notValues: texts('values that the attribute must not have'),
  })
  .superRefine(({ key, values = [], notValues = [] }, context) => {
    const wrong = wrongAttribute(key);
    if (wrong.key !== null) return context.addIssue({ code: 'custom', path: ['key'], message: wrong.key });
    if (values.length + notValues.length === 0) {
      context.addIssue({ code: 'custom', path: ['values'], message: `values or notValues must be given for ${key}` });
    }
    for (const [field, list] of Object.entries({ values, notValues })) {
      for (const [index, value] of list.entries()) {
        const message = wrong.value(value);
        if (message !== null) context.addIssue({ code: 'custom', path: [field, index], message });
      }
    }
  });
