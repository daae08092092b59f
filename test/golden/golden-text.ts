import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '@bufbuild/protobuf';
import { Document, isCollection, visit } from 'yaml';
import type { ProxyResources } from '../support/compiled-mesh.ts';
import type { MeshType } from '../support/mesh-types.ts';
import type { CompiledCase } from './compile-case.ts';

/** Maximum length of lists and maps on one line. */
const shortLine = 100;

/**
 * Formats a golden file. For a resource equal to that in `known`, writes only the name, so that reviewers read
 * resources of every sidecar once.
 */
export function goldenText(about: string, { problems, proxies }: CompiledCase, known: ProxyResources | null): string {
  const document = new Document(
    { problems, proxies: Object.fromEntries([...proxies].map(([name, own]) => [name, listsOf(own, known)])) },
    { aliasDuplicateObjects: false },
  );
  visit(document, {
    Collection(_key, node) {
      if (isCollection(node)) node.flow = JSON.stringify(node.toJS(document)).length <= shortLine;
    },
  });
  document.commentBefore = [
    ` ${about}`,
    ' Written by `UPDATE_GOLDENS=1 npx vitest run test/golden/golden.test.ts`; a name alone: as in empty-mesh.yaml.',
  ].join('\n');
  return document.toString({ lineWidth: 0 });
}

function listsOf(own: ProxyResources, known: ProxyResources | null) {
  const list = (type: MeshType): readonly (JsonObject | string)[] =>
    [...own[type]].map(([name, json]) => (isDeepStrictEqual(json, known?.[type].get(name)) ? name : json));
  return { clusters: list('cluster'), endpoints: list('endpoint'), listeners: list('listener'), routes: list('route') };
}
