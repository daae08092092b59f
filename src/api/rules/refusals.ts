import { assertNever } from '../../lib/assert-never.ts';
import type { RuleKind } from '../../rules/rule.ts';
import type { ObjectKey, StoreRefusal } from '../../rules/store.ts';
import { ApiError, type ApiStatus, failure, type StatusReason } from '../status.ts';
import { adapterOriginOf, type RulesApiOptions } from './options.ts';

/** Object that a request addresses. */
export interface Subject {
  readonly kind: RuleKind;
  readonly key: ObjectKey;
}

type Book = RulesApiOptions['book'];

/** Builds `details` of a status about an object. */
export const detailsOf = ({ kind, key }: Subject) => ({ name: key.name, group: kind.group, kind: kind.plural });

export function notFound(subject: Subject, book: Book): ApiStatus {
  const { kind, key } = subject;
  const origin = adapterOriginOf(book, key);
  const elsewhere = origin === null ? '' : ` of the store; ${origin} defines it: change it there`;
  const where = kind.scope === 'cluster' ? '' : ` in namespace "${key.namespace}"`;
  return failure('NotFound', `${kind.plural} "${key.name}" not found${where}${elsewhere}`, detailsOf(subject));
}

/** Translates a store's refusal into the status that the client gets. */
export function refusalStatus(refusal: StoreRefusal, subject: Subject, book: Book): ApiStatus {
  const name = `${subject.kind.plural} "${subject.key.name}"`;
  switch (refusal.type) {
    case 'missing':
      return notFound(subject, book);
    case 'exists':
      return failure('AlreadyExists', `${name} already exists; change it with PUT or PATCH`, detailsOf(subject));
    case 'conflict': {
      const { resourceVersion } = refusal.current.metadata;
      const message = `${name} was changed meanwhile (it has resourceVersion ${resourceVersion} now): read it again and repeat the change`;
      return failure('Conflict', message, detailsOf(subject));
    }
    case 'rejected':
      return failure(
        reasonOf(refusal.code),
        `the cluster does not accept ${name}: ${refusal.message}`,
        detailsOf(subject),
      );
    case 'unsupported':
      return failure('MethodNotAllowed', refusal.message, detailsOf(subject));
    default:
      return assertNever(refusal);
  }
}

const reasonOf = (code: number): StatusReason =>
  code === 403 ? 'Forbidden' : code === 404 ? 'NotFound' : code === 413 ? 'RequestEntityTooLarge' : 'Invalid';

/** Throws a 409 if an adapter defines an object of this name, because two sources would then own it. */
export function refuseAdapterName(subject: Subject, book: Book): void {
  const origin = adapterOriginOf(book, subject.key);
  if (origin === null) return;
  const name = `${subject.kind.plural} "${subject.key.name}"`;
  const message = `${name} is defined by ${origin}: change it there, or take another name`;
  throw new ApiError(failure('AlreadyExists', message, detailsOf(subject)));
}

/** Throws a 409 if the current object is not the intended one: it was deleted and created again. */
export function refuseOtherUid(subject: Subject, meant: string | null, current: string): void {
  if (meant === null || meant === '' || meant === current) return;
  const name = `${subject.kind.plural} "${subject.key.name}"`;
  const message = `${name} has the uid ${current}, not ${meant}: it was deleted and made again; read it again`;
  throw new ApiError(failure('Conflict', message, detailsOf(subject)));
}
