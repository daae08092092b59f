import { ApiError, failure } from '../../status.ts';
import { isNamespaceKind } from '../options.ts';
import { detailsOf, type Subject } from '../refusals.ts';
import { defaultNamespace, type NamespacedStore } from './namespaces.ts';

/**
 * Throws a 409 if a namespace to be deleted contains objects: they are never deleted with it. Objects in `leaving`
 * (`Kind/name`) are deleted in the same transaction and do not count. Other kinds pass.
 */
export async function refuseNamespaceInUse(
  subject: Subject,
  store: Pick<NamespacedStore, 'contentsOf'>,
): Promise<void> {
  if (!isNamespaceKind(subject.kind)) return;
  const { name } = subject.key;
  const [first] = await store.contentsOf(name);
  if (first !== undefined) {
    const message = `namespaces "${name}" still has objects, such as ${first.kind} "${first.name}": delete them first`;
    throw new ApiError(failure('Conflict', message, detailsOf(subject)));
  }
  if (name !== defaultNamespace) return;
  const message = `namespaces "${name}" is always there and cannot be deleted`;
  throw new ApiError(failure('Conflict', message, detailsOf(subject)));
}
