import { fieldPath } from '../../../lib/field-path.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import { inSlices } from '../../../lib/slices.ts';
import type { Problem, RuleKind } from '../../../rules/rule.ts';
import type { ObjectKey } from '../../../rules/store.ts';
import { metadataSchemaOf } from '../../../rules/validation/metadata.ts';
import { maxSchemaProblems, schemaProblems } from '../../../rules/validation/schema-problems.ts';
import { findKind, isRecord, nameOfType } from '../../../rules/validation/validate.ts';
import { ApiError, type ApiStatus, failure } from '../../status.ts';
import type { BodyItem } from '../body/contract.ts';
import { defaultNamespace } from '../objects/namespaces.ts';
import { type CheckedObject, checkObject } from '../objects/read-object.ts';
import type { FieldValidation } from '../parameters.ts';

/** Object of a batch, with its position. */
export interface NamedItem {
  readonly kind: RuleKind;
  readonly key: ObjectKey;
  /** Position for its author: `items[3] (VirtualService default/reviews, document 4)`. */
  readonly place: string;
}

/** Object of a batch that passed all checks. */
export interface BatchItem extends NamedItem {
  readonly read: CheckedObject;
}

/** Checks all objects of a batch. Throws a 422 with a cause for each invalid field of each object. */
export function checkBatch(
  items: readonly BodyItem[],
  { kinds, validation }: { readonly kinds: readonly RuleKind[]; readonly validation: FieldValidation },
): Promise<readonly BatchItem[]> {
  return checkEach(items, kinds, ({ kind, metadata, body, place }) => {
    const read = checkObject({ ...body, value: { ...body.value, metadata } }, kind, validation);
    if (!read.ok) return read;
    const { namespace, name } = read.value.draft.metadata;
    return ok({ kind, key: { kind: kind.kind, namespace, name }, read: read.value, place });
  });
}

/** Checks only the names in a batch. Objects to be deleted need not be valid. */
export function checkNames(items: readonly BodyItem[], kinds: readonly RuleKind[]): Promise<readonly NamedItem[]> {
  return checkEach(items, kinds, ({ kind, metadata, place }) => {
    const schema = metadataSchemaOf(kind.scope);
    const parsed = schema.safeParse({ name: metadata.name, namespace: metadata.namespace }, { reportInput: true });
    if (!parsed.success) return err(schemaProblems(schema, parsed.error, 'metadata'));
    const { namespace, name } = parsed.data;
    return ok({ kind, key: { kind: kind.kind, namespace, name }, place });
  });
}

/** Object of a known kind with its namespace filled in. */
interface UncheckedItem {
  readonly kind: RuleKind;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly body: BodyItem & { readonly value: Readonly<Record<string, unknown>> };
  readonly place: string;
}

type Check<Item> = (candidate: UncheckedItem) => Result<Item, readonly Problem[]>;

/** Checks items in slices, so that the server answers other requests in between. */
async function checkEach<Item extends NamedItem>(
  items: readonly BodyItem[],
  kinds: readonly RuleKind[],
  check: Check<Item>,
): Promise<readonly Item[]> {
  const checked: Item[] = [];
  const problems: Problem[] = [];
  const places = new Map<string, string>();
  await inSlices(items, (item, index) => {
    if (problems.length >= maxSchemaProblems) return;
    const place = placeOf(item, index, items);
    const found = checkOne(item, place, { kinds, check });
    if (!found.ok) {
      problems.push(
        ...found.error.map(({ path, message }) => ({ path: below(index, path), message: `${message} in ${place}` })),
      );
      return;
    }
    const { kind, namespace, name } = found.value.key;
    const id = `${kind}/${namespace}/${name}`;
    const before = places.get(id);
    if (before === undefined) checked.push(found.value);
    else problems.push({ path: `items[${index}]`, message: `${place} is the same object as ${before}` });
    places.set(id, place);
  });
  if (problems.length > 0) throw new ApiError(invalidBatch(problems.slice(0, maxSchemaProblems)));
  return checked;
}

function checkOne<Item>(
  body: BodyItem,
  place: string,
  { kinds, check }: { readonly kinds: readonly RuleKind[]; readonly check: Check<Item> },
): Result<Item, readonly Problem[]> {
  const { value } = body;
  if (!isRecord(value)) return err([{ path: '', message: `must be an object, not ${nameOfType(value)}` }]);
  const kind = findKind(value, kinds);
  if (!kind.ok) return kind;
  const metadata = value.metadata ?? {};
  if (!isRecord(metadata))
    return err([{ path: 'metadata', message: `must be an object, not ${nameOfType(metadata)}` }]);
  const named = { ...metadata, namespace: namespaceFor(kind.value, metadata.namespace) };
  return check({ kind: kind.value, metadata: named, body: { ...body, value }, place });
}

/** Fills in Kubernetes' default for a missing namespace. Cluster-scoped objects have none. */
function namespaceFor(kind: RuleKind, given: unknown): unknown {
  if (kind.scope === 'cluster') return '';
  return given === undefined || given === null || given === '' ? defaultNamespace : given;
}

/** Describes the position of an item. With several documents, the document number is more useful than the index. */
function placeOf({ value, document }: BodyItem, index: number, items: readonly BodyItem[]): string {
  const hasDocuments = (items.at(-1)?.document ?? 1) > 1;
  const name = describe(value);
  const words = [...(name === '' ? [] : [name]), ...(hasDocuments ? [`document ${document}`] : [])];
  return words.length === 0 ? `items[${index}]` : `items[${index}] (${words.join(', ')})`;
}

function describe(value: unknown): string {
  if (!isRecord(value) || typeof value.kind !== 'string') return '';
  const { namespace, name } = isRecord(value.metadata) ? value.metadata : {};
  const words = [namespace, name].filter((one) => typeof one === 'string' && one !== '');
  return `${value.kind} ${words.join('/')}`.trim().slice(0, 200);
}

const below = (index: number, path: string): string =>
  `${fieldPath('items', [index])}${path === '' || path.startsWith('[') ? '' : '.'}${path}`;

function invalidBatch(problems: readonly Problem[]): ApiStatus {
  const causes = problems.map(({ path, message }) => ({ reason: 'FieldValueInvalid', message, field: path }));
  const list = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return failure('Invalid', `nothing of the batch was done: ${list}`, { causes });
}
