import { describe, expect, it } from 'vitest';
import { ruleKinds, servedKinds } from '../../../src/rules/kinds/index.ts';
import { type MeshType, meshTypes } from '../../support/mesh-types.ts';
import { type Bodies, differingNames, rebuiltBodies, streamedMesh } from '../../support/streamed-mesh.ts';
import { labelled, type MeshObject, web, withBase } from './base.ts';
import { bounds } from './bounds.ts';
import { destinationRuleRows } from './destination-rule.ts';
import { otherRows } from './other-kinds.ts';
import { platformRows } from './platform.ts';
import type { Row } from './row.ts';
import { serviceEntryRows } from './service-entry.ts';
import { sidecarRows } from './sidecar.ts';
import { virtualServiceRows } from './virtual-service.ts';

/*
 * The push table: a change reaches exactly the resources whose bytes it changes, counted on the wire. What changes is
 * not written here: it is the difference of two compilations from nothing. Rows have only the types.
 */
const rows: readonly Row[] = [
  ...virtualServiceRows,
  ...destinationRuleRows,
  ...serviceEntryRows,
  ...sidecarRows,
  ...platformRows,
  ...otherRows,
];
const title = ({ kind, field }: Row) => `${kind}: ${field}`;

for (const mode of ['delta', 'sotw'] as const) {
  describe(`a change on a ${mode} stream reaches the resources whose bytes it changes, and no others`, () => {
    it.each([...rows, ...rowsOfLabels(rows)].map((row) => ({ name: title(row), row })))('$name', async ({ row }) => {
      const [before, after] = [withBase(row.before), withBase(row.after)];
      const [first, last] = [await rebuilt(before), await rebuilt(after)];
      const mesh = await streamedMesh(mode, web);
      await mesh.put(before);
      const { changed, repeated } = await mesh.put(after);
      const differing = differingNames(first, last);
      for (const type of meshTypes) {
        expect(mesh.has()[type]).toEqual(last[type]);
        expect(changed[type]).toEqual(followed(type, differing[type], last));
      }
      expect([...changed.secret, ...changed.extension, ...unneeded(repeated, changed.cluster)]).toEqual([]);
      expect(meshTypes.filter((type) => unasked(type, changed[type], first).length > 0)).toEqual(
        hasEffect(row) ? row.types : [],
      );
      await mesh.close();
    });
  });
}

it('no kind reaches a type beyond its bound', () => {
  expect(rows.filter(({ kind, types }) => types.some((type) => !bounds[kind].includes(type))).map(title)).toEqual([]);
});

it('every kind of rules is in the table', () => {
  expect(ruleKinds.map(({ kind }) => kind).filter((kind) => !rows.some((row) => row.kind === kind))).toEqual([]);
});

/** Rows that change the labels and annotations of a rule of each kind, and nothing else. */
function rowsOfLabels(rows: readonly Row[]): readonly Row[] {
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  return kinds.flatMap((kind): readonly Row[] => {
    const row = rows.find((it) => it.kind === kind && it.after.some((object) => object.kind === kind));
    if (row === undefined) return [];
    const after = row.after.map((object) => (object.kind === kind ? labelled(object) : object));
    return [{ kind, field: 'labels and annotations', before: row.after, after, types: [] }];
  });
}

const known = new Map<string, Promise<Bodies>>();

/** Returns the resources of the proxy, compiled from nothing; once for all rows with these objects. */
function rebuilt(objects: readonly MeshObject[]): Promise<Bodies> {
  const key = JSON.stringify(objects);
  const bodies = known.get(key) ?? rebuiltBodies(objects, web);
  known.set(key, bodies);
  return bodies;
}

/** Leaves out assignments and routes that are gone with their cluster or listener: proxies drop these by themselves. */
const followed = (type: MeshType, names: readonly string[], last: Bodies) =>
  isFollowing(type) ? names.filter((name) => last[type].has(name)) : names;

/** Leaves out assignments and routes of a new cluster or listener: they answer a subscription. */
const unasked = (type: MeshType, names: readonly string[], first: Bodies) =>
  isFollowing(type) ? names.filter((name) => first[type].has(name)) : names;

const isFollowing = (type: MeshType) => type === 'endpoint' || type === 'route';

/** Leaves out the assignments of changed clusters, which Envoy waits for. */
const unneeded = (repeated: readonly string[], clusters: readonly string[]) =>
  repeated.filter((it) => !clusters.some((name) => it === `endpoint ${name}`));

/** Returns false if the rule of a row has fields that are not in effect yet. */
const hasEffect = ({ before, after }: Row) => [...before, ...after].every((object) => pendingIn(object).length === 0);

function pendingIn({ kind, spec }: MeshObject): readonly string[] {
  const known = servedKinds.find((it) => it.kind === kind);
  return known === undefined ? [] : known.pending(known.spec.parse(spec));
}
