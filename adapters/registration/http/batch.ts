import type { RouteAnswer, RouteRequest } from '../../../src/adapter-contract/http.ts';
import type { Instance } from '../contract.ts';
import { jsonAnswer, parsed, prefixed, refuse } from './answers.ts';
import { namesRegistry, type RegistrationApi, readKey, refusalIn, whyNot } from './api.ts';
import { noteInstances } from './audit.ts';
import { batchBody, describeInstance, type FieldProblem, keyProblems, toRegistration } from './schema.ts';

/** Applies a batch completely or not at all. What registries then say of its instances stands in the answer. */
export async function applyBatch(api: RegistrationApi, request: RouteRequest): Promise<RouteAnswer> {
  const body = parsed(batchBody, request.body, []);
  if (!body.ok) return refuse(400, 'the request is not valid', body.problems);
  const put = body.value.put.map((item) => ({ key: readKey(item), item }));
  const remove = body.value.delete.map(readKey);
  const wrong = [
    ...prefixed(
      put.map(({ key, item }) => keyProblems(key, namesRegistry(item))),
      'put',
    ),
    ...prefixed(
      remove.map((key) => keyProblems(key, true)),
      'delete',
    ),
  ];
  if (wrong.length > 0) return refuse(400, 'the request is not valid', wrong);
  for (const { namespace } of [...put.map(({ key }) => key), ...remove]) {
    request.demand({ type: 'register', namespace });
  }
  const registrations = put.map(({ key, item }) => toRegistration(key, item));
  const refused =
    refuseFirst(400, 'registry', registrations.map(api.registrar.refusalOf)) ??
    refuseFirst(
      409,
      'host',
      registrations.map((registration) => whyNot(api, registration)),
    );
  if (refused !== null) return refused;
  const { put: written, changed, deleted } = await api.book.write(registrations, remove);
  noteInstances(
    request,
    'register',
    written.filter((_, index) => changed[index]),
  );
  noteInstances(
    request,
    'deregister',
    remove.filter((_, index) => deleted[index]),
  );
  return jsonAnswer(200, { ...(await withStates(api, written)), deleted });
}

/** Rejects a batch if there is a message for one of its items; null if there is none. */
function refuseFirst(status: number, field: string, messages: readonly (string | null)[]): RouteAnswer | null {
  const problems = messages.flatMap((message, index) =>
    message === null ? [] : [{ field: `put[${index}].${field}`, message }],
  );
  const [first] = problems;
  return first === undefined ? null : refuse(status, first.message, problems);
}

/** Renders instances with their states in registries, and those that were refused there among the problems. */
async function withStates({ registrar }: RegistrationApi, instances: readonly Instance[]): Promise<object> {
  const attempts = await Promise.all(
    instances.map(async (instance) => ({ instance, state: await registrar.attempt(instance) })),
  );
  const problems: readonly FieldProblem[] = attempts.flatMap(({ instance, state }, index) => {
    const message = state === null ? null : refusalIn(instance, state);
    return message === null ? [] : [{ field: `put[${index}].registry`, message }];
  });
  const put = attempts.map(({ instance, state }) => describeInstance(instance, state));
  return problems.length === 0 ? { put } : { put, problems };
}
