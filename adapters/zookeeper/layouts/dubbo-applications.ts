import type { HostnameTemplate } from '../../../src/dubbo/hostname-template.ts';
import type { ServiceIdentity } from '../../../src/dubbo/identity.ts';
import type { NodeChange, NodeInterest } from '../tree/mirror.ts';
import { type ApplicationInstance, instanceEntries, readApplicationInstance } from './application-instance.ts';
import { type RevisionService, readDefinition, readRevision } from './application-metadata.ts';
import { below, type Layout, type LayoutContext, originOf } from './layout.ts';
import type { ProviderNaming } from './provider-entries.ts';

export interface DubboApplicationSettings extends ProviderNaming {
  /** Dubbo's root, `/dubbo` by default: metadata are below it. */
  readonly root: string;
  /** Root of instances, `/services` by default. */
  readonly applicationRoot: string;
  readonly applicationTemplate: HostnameTemplate;
  /** Hostnames of single applications. */
  readonly applicationNames: Readonly<Record<string, string>>;
}

interface Application {
  readonly instances: Map<string, { readonly instance: ApplicationInstance; readonly origin: string }>;
  /** Services by revision, for remote metadata. */
  readonly revisions: Map<string, readonly RevisionService[]>;
  /** Services by the path of the node that defines them, for local metadata. */
  readonly definitions: Map<string, ServiceIdentity>;
  /** Services that were found last for an instance, which stay until there is something better. */
  readonly found: Map<string, readonly RevisionService[]>;
}

/**
 * Dubbo's application level: instances below `/services/<application>`, and what they serve below `/dubbo/metadata`: a
 * document for each revision (remote metadata), or the definitions of services that providers write in every mode.
 */
export function dubboApplications(settings: DubboApplicationSettings, context: LayoutContext): Layout {
  const { catalog, chroot, report } = context;
  const root = below(chroot, settings.applicationRoot);
  const metadataRoot = below(chroot, `${settings.root}/metadata`);
  const applications = new Map<string, Application>();

  function applicationOf(name: string): Application {
    const application = applications.get(name) ?? {
      instances: new Map(),
      revisions: new Map(),
      definitions: new Map(),
      found: new Map(),
    };
    applications.set(name, application);
    return application;
  }

  function applyInstance(change: NodeChange): void {
    const [name = '', id] = change.names;
    const folder = `${root}/${name}`;
    if (id === undefined) {
      if (change.type === 'removed') catalog.removeFolder(folder);
      return;
    }
    const application = applicationOf(name);
    const origin = originOf(root, change.names);
    if (change.type === 'removed') {
      application.instances.delete(id);
      application.found.delete(id);
      catalog.remove(origin);
      report(origin, null);
      return;
    }
    const instance = readApplicationInstance(change.data);
    report(origin, instance.ok ? null : instance.error);
    if (!instance.ok || instance.value === null) return; // wrong, or of another framework
    application.instances.set(id, { instance: instance.value, origin });
    translate(name, id);
  }

  function applyMetadata(change: NodeChange): void {
    const [name = '', revision = ''] = change.names;
    const side = change.names.indexOf('provider');
    if (side < 1 && isRevision(revision)) applyRevision(name, revision, change);
    else if (side > 0 && change.names.length === side + 2) applyDefinition(change);
  }

  function applyRevision(name: string, revision: string, change: NodeChange): void {
    const application = applicationOf(name);
    const origin = originOf(metadataRoot, change.names);
    const services = change.type === 'removed' ? null : readRevision(change.data);
    report(origin, services === null || services.ok ? null : services.error);
    if (services === null) application.revisions.delete(revision);
    else if (services.ok) application.revisions.set(revision, services.value);
    for (const [id, { instance }] of application.instances) if (instance.revision === revision) translate(name, id);
  }

  function applyDefinition(change: NodeChange): void {
    const [iface = '', ...others] = change.names;
    const application = applicationOf(change.names.at(-1) ?? '');
    const key = change.names.join('/');
    if (change.type === 'removed') application.definitions.delete(key);
    else application.definitions.set(key, readDefinition(iface, others.slice(0, -2), change.data));
    for (const [id, { instance }] of application.instances)
      if (!instance.hasRemoteMetadata) translate(change.names.at(-1) ?? '', id);
  }

  function translate(name: string, id: string): void {
    const application = applicationOf(name);
    const { instance, origin } = application.instances.get(id) ?? {};
    if (instance === undefined || origin === undefined) return;
    const services = servicesOf(application, instance);
    const known = services ?? application.found.get(id) ?? newest(application);
    if (services !== null) application.found.set(id, services);
    const entries = instanceEntries(
      { application: name, instance, services: known },
      { ...settings, place: `${root}/${name}` },
    );
    const problem = services === null ? missing(instance, known) : null;
    report(origin, entries.ok ? problem : entries.error);
    if (entries.ok) catalog.put(origin, `${root}/${name}`, entries.value);
  }

  return {
    trees: [
      { root, interestIn: interestInInstances, apply: applyInstance },
      { root: metadataRoot, interestIn: interestInMetadata, apply: applyMetadata },
    ],
  };
}

/** Returns what an instance serves; null if nothing says so. */
function servicesOf(application: Application, instance: ApplicationInstance): readonly RevisionService[] | null {
  if (instance.revision === '0') return []; // a consumer
  if (instance.hasRemoteMetadata) return application.revisions.get(instance.revision) ?? null;
  if (application.definitions.size === 0) return null;
  return [...application.definitions.values()].flatMap((identity) =>
    instance.endpoints.map(({ protocol, port }) => ({
      identity,
      protocol,
      port,
      parameters: new Map<string, string>(),
    })),
  );
}

/** Returns the services of the revision that came last. */
const newest = ({ revisions }: Application): readonly RevisionService[] => [...revisions.values()].at(-1) ?? [];

function missing({ revision, hasRemoteMetadata }: ApplicationInstance, known: readonly RevisionService[]): string {
  if (!hasRemoteMetadata)
    return 'its metadata are local, and no definition of its services is in /metadata: only the application has a host';
  const meanwhile = known.length === 0 ? 'only the application has a host' : 'those of an earlier revision are used';
  return `the metadata of its revision ${revision} are not there: ${meanwhile}`;
}

const isRevision = (name: string): boolean => /^[0-9a-f]{32}$/.test(name);

const interestInInstances = ({ length }: readonly string[]): NodeInterest =>
  length === 1 ? 'children' : length === 2 ? 'data' : null;

/** `<application>/<revision>`, and `<interface>[/<version>][/<group>]/provider/<application>`. */
function interestInMetadata(names: readonly string[]): NodeInterest {
  const [, second = ''] = names;
  if (names.length > 5 || names.slice(1).includes('consumer')) return null;
  if (names.length === 2 && isRevision(second)) return 'data';
  return names.length > 2 && names.at(-2) === 'provider' ? 'data' : 'children';
}
