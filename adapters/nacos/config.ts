import { z } from 'zod';
import { parseHostnameTemplate } from '../../src/dubbo/hostname-template.ts';
import type { Naming } from '../../src/dubbo/identity.ts';
import { sidecarPortParameter } from '../../src/dubbo/provider.ts';
import { parseNacosHostnames } from './hostnames.ts';
import { isPortProtocol } from './ports.ts';
import { parseServer } from './servers.ts';

const port = z.int().min(1).max(65_535);
const protocol = z.string().refine(isPortProtocol, 'must be a protocol in lower case, such as http, grpc or dubbo');
const names = z.array(z.string().min(1)).min(1);
const seconds = z.number().positive().meta({ form: 'seconds' });

/** Name of a metadata key. */
const key = (fallback: string, meaning: string) =>
  z.string().min(1).default(fallback).describe(`metadata key with ${meaning}`);

const metadataKeys = z
  .strictObject({
    protocol: key('protocol', 'the protocol of the instance'),
    version: key('version', 'the version, which becomes the label `version`'),
    region: key('region', 'the region'),
    zone: key('zone', 'the zone'),
    subzone: key('subzone', 'the part of the zone'),
    sidecarPort: key(
      sidecarPortParameter,
      "the port of the instance's sidecar, which is called in place of the instance's own",
    ),
  })
  .prefault({});

const dubboParts = ['interface', 'group', 'version'] as const;

const dubbo = z
  .strictObject({
    hostname: z
      .string()
      .superRefine((text, context) => {
        const template = parseHostnameTemplate(text, dubboParts);
        if (!template.ok) context.addIssue({ code: 'custom', message: template.error });
      })
      .meta({ form: 'template' })
      .default('{interface}.{group}.{version}.dubbo')
      .describe('hostname of a service of Dubbo; group and version vanish where a service has none'),
    names: z
      .record(z.string(), z.string().min(1))
      .default({})
      .describe('hostnames of single services, by `group/interface:version`'),
  })
  .prefault({});

/** Returns the names of Dubbo's services. The schema has checked the template. */
export function dubboNaming({ dubbo: { hostname, names } }: Pick<Fields, 'dubbo'>): Naming {
  const template = parseHostnameTemplate(hostname, dubboParts);
  if (!template.ok) throw new Error(template.error);
  return { template: template.value, names };
}

const tls = z.strictObject({
  caFile: z.string().min(1).optional().describe('CAs of the servers; without it those of the system'),
  certFile: z.string().min(1).optional().describe('certificate of this client'),
  keyFile: z.string().min(1).optional().describe('its key'),
  serverName: z.string().min(1).optional().describe("name in the servers' certificates, if it is not their address"),
});

const fields = z.strictObject({
  servers: names.describe('servers of one cluster: `host:port` of HTTP, or with `https://` for logins over TLS'),
  namespaces: names.default(['public']).describe('ids of the namespaces to read'),
  meshNamespaces: z
    .record(z.string(), z.string().min(1))
    .default({})
    .describe('namespaces of the mesh by ids of Nacos; without an entry both are equal'),
  groups: names.optional().describe('groups to read; without it all'),
  services: names.optional().describe('services to read, `orders` or `GROUP@@orders`; without it all'),
  clusters: names.optional().describe('clusters of Nacos whose instances are read; without it all'),
  hostname: z
    .string()
    .default('{service}.{group}.{namespace}.nacos')
    .describe('hostname of a service; a part may be left out if only one value is configured'),
  names: z
    .record(z.string(), z.string().min(1))
    .default({})
    .describe('hostnames of single services, by `orders` or `GROUP@@orders`; that of the template becomes an alias'),
  defaultProtocol: protocol.default('http').describe('protocol of instances whose metadata names none'),
  ports: z
    .record(protocol, port)
    .default({})
    .describe(
      'port numbers by which clients call services, by protocol, where they are not the usual ones (docs/nacos.md)',
    ),
  dubbo,
  rules: z
    .array(
      z.strictObject({
        namespace: z.string().min(1).default('public').describe('id of the namespace'),
        group: z.string().min(1).default('mesh').describe('group of the configurations'),
        dataIds: names.describe('names of the configurations, such as `routes.yaml` or `mesh-*`'),
      }),
    )
    .default([])
    .describe('Configurations with rules of the mesh, in YAML.'),
  metadataKeys,
  username: z.string().min(1).optional().describe('user; without it no login'),
  passwordFile: z.string().min(1).optional().describe("file with the user's password, read again for each login"),
  contextPath: z.string().default('/nacos').describe("path of the servers' HTTP interface"),
  grpcPortOffset: z.int().default(1_000).describe('difference between the ports of gRPC and of HTTP'),
  tls: tls.optional().describe('TLS of the gRPC connections, and of HTTP for servers written as `https://`'),
  listSeconds: seconds.default(5).describe('interval of lists of names, on servers that do not tell new ones'),
  settleSeconds: seconds
    .default(15)
    .describe('time after a connection in which missing instances are kept, because they may still register again'),
  emptyServiceSeconds: seconds
    .default(60)
    .describe('time for which a service that the server no longer lists stays, without instances'),
  protectThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .meta({ form: '0 to 1' })
    .describe("share of a service's instances: a list with fewer applies once another server confirms it"),
  reconcileSeconds: seconds.default(300).describe('interval of comparisons of all services with the server'),
  acceptsRegistrations: z
    .boolean()
    .default(false)
    .describe('lets instances register here through the registration API, with the permissions of this user'),
});

type Fields = z.infer<typeof fields>;

export const config = fields.superRefine((settings, context) => {
  for (const [index, text] of settings.servers.entries()) {
    const server = parseServer(text, settings.grpcPortOffset);
    if (!server.ok) context.addIssue({ code: 'custom', path: ['servers', index], message: server.error });
  }
  const template = nacosHostnames(settings);
  if (!template.ok) context.addIssue({ code: 'custom', path: ['hostname'], message: template.error });
  if ((settings.username === undefined) !== (settings.passwordFile === undefined)) {
    context.addIssue({ code: 'custom', path: ['passwordFile'], message: 'username and passwordFile need each other' });
  }
  if ((settings.tls?.certFile === undefined) !== (settings.tls?.keyFile === undefined)) {
    context.addIssue({ code: 'custom', path: ['tls', 'keyFile'], message: 'certFile and keyFile need each other' });
  }
});

export type NacosConfig = Fields;

/** Parses the hostname template with what is the same for all services. */
export const nacosHostnames = ({ hostname, namespaces, groups }: Pick<Fields, 'hostname' | 'namespaces' | 'groups'>) =>
  parseNacosHostnames(hostname, {
    namespace: namespaces.length === 1 ? (namespaces[0] ?? null) : null,
    group: groups?.length === 1 ? (groups[0] ?? null) : null,
  });
