import { compareText, type RuleKind } from '../../../rules/rule.ts';

/** Group of the API with its versions. */
export interface ApiGroup {
  /** Name; empty for the core group. */
  readonly name: string;
  /** Versions, preferred first. */
  readonly versions: readonly ApiVersion[];
}

export interface ApiVersion {
  readonly group: string;
  /** Version, `v1beta1` for example. */
  readonly version: string;
  /** Group and version, `networking.istio.io/v1beta1`, or `v1` in the core group. */
  readonly apiVersion: string;
  /** Path above the kinds: `/apis/networking.istio.io/v1beta1`. */
  readonly path: string;
  readonly kinds: readonly RuleKind[];
}

/** Groups the kinds by name; the core group is first. */
export function apiGroups(kinds: readonly RuleKind[]): readonly ApiGroup[] {
  const names = [...new Set(kinds.map(({ group }) => group))].sort(compareText);
  return names.map((name) => {
    const members = kinds.filter(({ group }) => group === name);
    const versions = [...new Set(members.flatMap((kind) => kind.versions))].sort(compareVersions);
    return {
      name,
      versions: versions.map((version) => ({
        group: name,
        version,
        apiVersion: apiVersionOf(name, version),
        path: name === '' ? `/api/${version}` : `/apis/${name}/${version}`,
        kinds: members.filter((kind) => kind.versions.includes(version)),
      })),
    };
  });
}

export const apiVersionOf = (group: string, version: string): string =>
  group === '' ? version : `${group}/${version}`;

/** Verbs that a kind supports. */
export const verbsOf = (kind: RuleKind): readonly string[] => [
  'create',
  'delete',
  ...(kind.group === '' ? [] : ['deletecollection']), // namespaces are deleted one at a time
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

const stabilities = ['', 'beta', 'alpha'];

/** Compares versions as Kubernetes does: stable before beta before alpha, higher numbers first. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [versionParts(a), versionParts(b)];
  return left.stability - right.stability || right.major - left.major || right.minor - left.minor;
}

function versionParts(version: string): { stability: number; major: number; minor: number } {
  const [, major = '0', stability = '', minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  return { stability: stabilities.indexOf(stability), major: Number(major), minor: Number(minor) };
}
