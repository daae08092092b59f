import type { Compiled } from '../../compiled.ts';
import { qualifiedHost } from '../../fields.ts';
import type { Labels } from '../../labels.ts';
import type { VirtualServiceSpec } from './schema.ts';

/** Index by hosts, if sidecars apply the rule. The audience is `exportTo` and the sources of its matches. */
export const compiledVirtualService: Compiled<VirtualServiceSpec> = {
  index: {
    by: 'host',
    makesHosts: true,
    hosts({ gateways = [], hosts = [] }, { namespace, domainSuffix }) {
      const isForMesh = gateways.length === 0 || gateways.includes('mesh');
      return isForMesh ? new Set(hosts.map((host) => qualifiedHost(host, namespace, domainSuffix))) : [];
    },
  },
  audience(spec) {
    const sources = [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])].flatMap<Source>(
      ({ match }) => match ?? [],
    );
    return {
      namespaces: [
        ...(spec.exportTo ?? []),
        ...sources.flatMap(({ sourceNamespace }) => sourceNamespace || []), // empty means any
      ],
      labels: sources.flatMap(({ sourceLabels }) => (sourceLabels === undefined ? [] : [sourceLabels])),
    };
  },
};

interface Source {
  readonly sourceLabels?: Labels | undefined;
  readonly sourceNamespace?: string | undefined;
}
