import type { RuleKind } from '../../../rules/rule.ts';
import type { ApiVersion } from './groups.ts';

/** Media type that Kubernetes returns; it cannot contain the `@` that kubectl writes. */
export const openapiV2Type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Reports whether a client accepts OpenAPI 2; kubectl writes the type with an `@`. */
export const isOpenapiV2 = (type: string): boolean => type.replace('@', '.') === openapiV2Type;

/**
 * Builds the part of OpenAPI 2 that kubectl reads: which patches accept `fieldValidation` and `dryRun`. kubectl
 * requests it before it applies a `List`, and reads OpenAPI 3 for everything else. The result is the Protobuf of
 * `openapi.v2.Document` in https://github.com/google/gnostic-models/blob/main/openapiv2/OpenAPIv2.proto
 */
export function openapiV2(versions: readonly ApiVersion[], programVersion: string): Buffer {
  const paths = versions.flatMap((served) =>
    served.kinds.map((kind) => field(2, field(1, patchPath(kind, served)), field(2, field(8, patch(kind, served))))),
  );
  const info = [field(1, 'Binnacle'), field(2, programVersion)];
  return Buffer.concat([field(1, '2.0'), field(2, ...info), field(8, ...paths)]);
}

function patchPath({ scope, plural }: RuleKind, { path }: ApiVersion): string {
  return scope === 'namespaced' ? `${path}/namespaces/{namespace}/${plural}/{name}` : `${path}/${plural}/{name}`;
}

/** Encodes `Operation`: its parameters and the kind of its objects. */
function patch({ kind }: RuleKind, { group, version }: ApiVersion): Buffer {
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) =>
    field(8, field(1, field(2, field(3, field(2, 'query'), field(4, name), field(6, 'string'))))),
  );
  const gvk = `group: "${group}"\nkind: ${kind}\nversion: ${version}\n`;
  return Buffer.concat([
    ...parameters,
    field(13, field(1, 'x-kubernetes-group-version-kind'), field(2, field(2, gvk))),
  ]);
}

/** Encodes a length-delimited field: a text, or a message of these fields. */
function field(number: number, ...contents: readonly (string | Buffer)[]): Buffer {
  const content = Buffer.concat(contents.map((one) => (typeof one === 'string' ? Buffer.from(one) : one)));
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
