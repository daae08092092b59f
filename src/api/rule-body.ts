import type { RuleKind } from '../rules/rule.ts';
import type { ObjectDraft } from '../rules/store/store.ts';
import { isRecord, nameOfType, validateObject } from '../rules/validation/validate.ts';
import { failure, invalid, StatusError } from './status.ts';

/** What a URL says of the object in the body. */
export interface Place {
  readonly kind: RuleKind;
  readonly apiVersion: string;
  readonly namespace: string;
  /** Null where an object is created: the body names it. */
  readonly name: string | null;
}

export interface ReadObject {
  readonly draft: ObjectDraft;
  /** The version that the writer saw; null when it did not say. */
  readonly resourceVersion: string | null;
}

/**
 * Reads an object from a request body. The URL fills in what the body leaves out; a contradiction is a 400, a mistake
 * in the object a 422 with a cause for every field.
 */
export function readObject(body: unknown, place: Place): ReadObject {
  if (!isRecord(body)) throw badRequest(`the body must be an object, not ${nameOfType(body)}`);
  const { kind, apiVersion, namespace } = place;
  const metadata = body.metadata ?? {};
  if (!isRecord(metadata)) throw badRequest(`metadata must be an object, not ${nameOfType(metadata)}`);

  const name = place.name ?? metadata.name;
  const said = { kind: body.kind, apiVersion: body.apiVersion, namespace: metadata.namespace, name: metadata.name };
  const wanted = { kind: kind.kind, apiVersion, namespace, name };
  for (const field of ['kind', 'apiVersion', 'namespace', 'name'] as const) {
    const [inBody, inUrl] = [said[field] ?? wanted[field], wanted[field]];
    if (inBody === inUrl) continue;
    throw badRequest(`the body says ${field} ${JSON.stringify(inBody)}, the URL ${JSON.stringify(inUrl)}`);
  }

  const object = { ...body, kind: kind.kind, apiVersion, metadata: { ...metadata, namespace, name } };
  const valid = validateObject(object, [kind]);
  if (!valid.ok) {
    throw new StatusError(invalid({ kind: kind.kind, group: kind.group, name: String(name ?? '') }, valid.error));
  }
  const { metadata: checked, written: spec } = valid.value;
  const { labels, annotations, resourceVersion } = checked;
  const draft = {
    kind: kind.kind,
    apiVersion,
    metadata: { name: checked.name, namespace, labels, annotations },
    spec,
  };
  return { draft, resourceVersion };
}

const badRequest = (message: string): StatusError => new StatusError(failure('BadRequest', message));
