import { z } from 'zod';
import { type HostnameTemplate, parseHostnameTemplate } from '../../src/dubbo/hostname-template.ts';
import { isKnownProtocol } from '../../src/dubbo/protocols.ts';
import type { ServerAddress } from './client/connection.ts';

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/, 'must be host:port, such as 10.0.0.1:2181')
  .meta({ form: 'address' });
const nodePath = z
  .string()
  .regex(/^(\/[^/]+)+$/, 'must be a path such as /dubbo, without a slash at its end')
  .meta({ form: 'path of a node' });
const file = z.string().min(1).meta({ form: 'path' });
const portNumber = z.int().min(1).max(65_535);
const host = z
  .string()
  .max(253)
  .regex(/^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/, 'must be a hostname in lower case')
  .meta({ form: 'hostnames' });

const ports = z
  .record(z.string().refine(isKnownProtocol, 'must be a protocol of providers, such as dubbo, tri or rest'), portNumber)
  .default({})
  .describe('ports that clients call, by protocol, where they are not the usual ones (docs/zookeeper.md)');

const names = (form: string) =>
  z.record(z.string(), host).default({}).describe(`hostnames of single services, by \`${form}\``);

/** Placeholders of templates. All but the first may be empty. */
const placeholders = {
  service: ['interface', 'group', 'version'],
  motan: ['interface', 'group'],
  application: ['application'],
  curator: ['name'],
} as const;

const template = (kind: keyof typeof placeholders, fallback: string, describe: string) =>
  z
    .string()
    .superRefine((text, context) => {
      const parsed = parseHostnameTemplate(text, placeholders[kind]);
      if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.error });
    })
    .meta({ form: 'template' })
    .default(fallback)
    .describe(describe);

/** Parses a template that the configuration's schema has checked. */
export function templateOf(kind: keyof typeof placeholders, text: string): HostnameTemplate {
  const parsed = parseHostnameTemplate(text, placeholders[kind]);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

/** Splits a checked address. */
export function serverAddress(text: string): ServerAddress {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

export const configSchema = z
  .strictObject({
    servers: z
      .array(address)
      .min(1)
      .describe('servers of the ensemble; one is connected to, the others follow if it fails'),
    chroot: nodePath.optional().describe('node below which all roots are'),
    sessionTimeoutSeconds: z
      .number()
      .min(1)
      .max(3_600)
      .default(30)
      .meta({ form: 'seconds' })
      .describe('timeout of the session; a server that is silent for two thirds of it is left'),
    username: z.string().min(1).optional().describe('name for the authentication scheme `digest`'),
    passwordFile: file.optional().describe('its password, read for each connection'),
    tls: z
      .strictObject({
        caFile: file.optional().describe("root certificates; without it the system's"),
        certFile: file.optional().describe('certificate for the servers'),
        keyFile: file.optional().describe('its private key'),
      })
      .optional()
      .describe('TLS to the servers (`secureClientPort`). Files are read for each connection.'),
    namespace: z
      .string()
      .min(1)
      .default('default')
      .describe('namespace of the services, to which rules and `exportTo` refer'),
    lastInstanceSeconds: z
      .number()
      .min(0)
      .default(10)
      .meta({ form: 'seconds' })
      .describe("time for which a service keeps its endpoints after its last instance's node is gone"),
    reconcileSeconds: z
      .number()
      .positive()
      .default(300)
      .meta({ form: 'seconds' })
      .describe('interval of comparisons of the whole trees with what was received'),
    acceptsRegistrations: z
      .boolean()
      .default(false)
      .describe('lets instances register here through the registration API, with the permissions of this client'),
    dubbo: z
      .strictObject({
        root: nodePath.default('/dubbo').describe('root of interfaces, metadata and rules'),
        applicationRoot: nodePath.default('/services').describe('root of applications'),
        hostname: template(
          'service',
          '{interface}.{group}.{version}.dubbo',
          'hostname of a service; group and version vanish where a service has none',
        ),
        applicationHostname: template('application', '{application}.dubbo-app', 'hostname of an application'),
        names: names('group/interface:version'),
        applicationNames: names('application'),
        ports,
      })
      .optional()
      .describe('Services of Dubbo, at the levels of interfaces and of applications. `{}` takes the defaults.'),
    motan: z
      .strictObject({
        root: nodePath.default('/motan').describe('root of groups'),
        hostname: template('motan', '{interface}.{group}.motan', 'hostname of a service'),
        names: names('group/interface'),
        ports,
        encoding: z
          .enum(['java', 'utf8'])
          .default('java')
          .describe(
            'how instances that register here are written: for clients with `regProtocol="zookeeper"` (java) or `"zk"` (utf8)',
          ),
      })
      .optional()
      .describe('Services of Motan. `{}` takes the defaults.'),
    curator: z
      .array(
        z.strictObject({
          root: nodePath.describe("base path of Curator's ServiceDiscovery"),
          hostname: template('curator', '{name}.curator', 'hostname of a service'),
          names: names('name'),
          port: portNumber.default(80).describe('port that clients call'),
          protocol: z.enum(['http', 'http2', 'grpc', 'tcp']).default('http').describe('protocol of that port'),
        }),
      )
      .default([])
      .describe("Services of Curator's service discovery, for each base path."),
  })
  .refine(({ dubbo, motan, curator }) => dubbo !== undefined || motan !== undefined || curator.length > 0, {
    message: 'needs one of dubbo, motan and curator: what there is to read',
  })
  .refine(({ username, passwordFile }) => (username === undefined) === (passwordFile === undefined), {
    message: 'must come with username',
    path: ['passwordFile'],
  });

export type ZooKeeperConfig = z.infer<typeof configSchema>;
