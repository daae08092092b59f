import { servedKinds } from '../../../src/rules/kinds/index.ts';
import { apiVersionsOf } from '../../../src/rules/validation/validate.ts';
import type { KubernetesObject, Objects } from './objects.ts';
import { whenEstablished } from './objects.ts';

/** Defines kinds of the rules API by their names alone, so that any spec is kept: the conformance suite's have no meaning. */
export async function applyLaxDefinitions(objects: Objects, names: readonly string[]): Promise<void> {
  const definitions = servedKinds.filter(({ kind }) => names.includes(kind)).map(definitionOf);
  await objects.apply(...definitions);
  await whenEstablished(objects, definitions);
}

function definitionOf(kind: (typeof servedKinds)[number]): KubernetesObject {
  const { group, plural, singular, scope, kind: name } = kind;
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind: name, plural, singular },
      scope: scope === 'cluster' ? 'Cluster' : 'Namespaced',
      versions: apiVersionsOf(kind).map((version, index) => ({
        name: version.split('/')[1],
        served: true,
        storage: index === 0,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: anything, status: anything } } },
      })),
    },
  };
}
