import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { MeshError } from '../lib/errors.ts';
import type { Instance, InstanceKey, Registration, RegistrationBook } from '../platform/registration.ts';
import { demand } from './doors/guard.ts';
import { type AuditTrail, noteRegistrations } from './registration-audit.ts';
import {
  batchBody,
  describeInstance,
  type FieldProblem,
  fieldProblems,
  instanceBody,
  keyProblems,
  toRegistration,
} from './registration-schema.ts';
import { streamEvents } from './registration-watch.ts';
import { ApiError } from './status.ts';

export interface RegistrationApi {
  readonly book: RegistrationBook;
  /** Returns the reason why instances may not register for a service (another adapter defines it), or null. */
  readonly whyNot: (service: Pick<Registration, 'namespace' | 'host' | 'vips'>) => string | null;
  readonly trail: AuditTrail;
}

/** Body of the answer to a rejected request. */
interface RegistrationError {
  readonly error: string;
  readonly problems: readonly FieldProblem[];
}

interface ServiceParams {
  readonly namespace: string;
  readonly host: string;
}

interface InstanceParams extends ServiceParams {
  readonly id: string;
}

const root = '/registry/v1';
const servicesPath = `${root}/namespaces/:namespace/services`;
const instancesPath = `${servicesPath}/:host/instances`;

/** Routes of the registration API: instances, heartbeats, lists, batches and watches. */
export function registrationRoutes({ book, trail, whyNot }: RegistrationApi) {
  /** Adds the reason why an instance is ignored, if another adapter has defined its service since. */
  const shown = (instance: Instance): object => {
    const problem = whyNot(instance);
    return problem === null ? describeInstance(instance) : { ...describeInstance(instance), problem };
  };
  return (server: FastifyInstance): void => {
    server.setErrorHandler((error, _request, reply) => {
      if (!(error instanceof ApiError)) throw error; // the server answers all other errors
      return answer(reply, error.status.code, { error: error.message, problems: [] });
    });

    server.put<{ Params: InstanceParams }>(`${instancesPath}/:id`, async (request, reply) => {
      const key = readKey(request.params);
      const body = parsed(instanceBody, request.body, key.problems);
      if (!body.ok) return refuse(reply, body.problems);
      const registration = toRegistration(key.key, body.value);
      const problem = whyNot(registration);
      if (problem !== null)
        return answer(reply, 409, { error: problem, problems: [{ field: 'host', message: problem }] });
      const before = await book.get(key.key);
      const outcome = await stored(reply, () => book.write([registration], []));
      if (outcome === null) return reply;
      const [instance] = outcome.put;
      noteRegistrations(request, trail, { verb: 'register', changed: outcome.changed[0] ? [key.key] : [] });
      return reply.code(before === null ? 201 : 200).send(instance === undefined ? null : describeInstance(instance));
    });

    server.get<{ Params: InstanceParams }>(`${instancesPath}/:id`, async (request, reply) => {
      const instance = await book.get(readKey(request.params).key);
      return instance === null ? missing(reply, 'the instance is not registered') : shown(instance);
    });

    server.delete<{ Params: InstanceParams }>(`${instancesPath}/:id`, async (request, reply) => {
      const { key } = readKey(request.params);
      const outcome = await stored(reply, () => book.write([], [key]));
      if (outcome === null) return reply;
      noteRegistrations(request, trail, { verb: 'deregister', changed: outcome.deleted[0] ? [key] : [] });
      return outcome.deleted[0] ? reply.code(204).send() : missing(reply, 'the instance is not registered');
    });

    server.put<{ Params: InstanceParams }>(`${instancesPath}/:id/heartbeat`, async (request, reply) => {
      const instance = await book.heartbeat(readKey(request.params).key);
      if (instance === null)
        return missing(reply, 'the instance is not registered, or its lease is over: register again');
      return shown(instance);
    });

    server.get<{ Params: ServiceParams }>(instancesPath, async (request, reply) => {
      const { namespace, host } = readKey({ ...request.params, id: '' }).key;
      if (isWatch(request)) return streamEvents(reply, book, { namespace, host });
      return { instances: (await book.instances(namespace, host)).map(shown) };
    });

    server.get<{ Params: { namespace: string } }>(servicesPath, async (request, reply) => {
      const { namespace } = request.params;
      if (isWatch(request)) return streamEvents(reply, book, { namespace, host: null });
      return { services: await book.services(namespace) };
    });

    server.delete<{ Params: ServiceParams }>(`${servicesPath}/:host`, async (request, reply) => {
      const { namespace, host } = readKey({ ...request.params, id: '' }).key;
      const instances = await book.instances(namespace, host);
      const removed = await stored(reply, () => book.removeService(namespace, host));
      if (removed === null) return reply;
      noteRegistrations(request, trail, { verb: 'deregister', changed: removed ? instances : [] });
      return removed ? reply.code(204).send() : missing(reply, 'the service is not registered');
    });

    server.post(`${root}/batch`, async (request, reply) => {
      const body = parsed(batchBody, request.body, []);
      if (!body.ok) return refuse(reply, body.problems);
      const put = body.value.put.map((item) => ({ ...readKey(item), item }));
      const remove = body.value.delete.map(readKey);
      const wrong = [...prefixed(put, 'put'), ...prefixed(remove, 'delete')];
      if (wrong.length > 0) return refuse(reply, wrong);
      for (const { key } of [...put, ...remove]) demand(request, { type: 'register', namespace: key.namespace });
      const registrations = put.map(({ key, item }) => toRegistration(key, item));
      const problems = registrations.flatMap((registration, index) => {
        const message = whyNot(registration);
        return message === null ? [] : [{ field: `put[${index}].host`, message }];
      });
      const [first] = problems;
      if (first !== undefined) return answer(reply, 409, { error: first.message, problems });
      const outcome = await stored(reply, () =>
        book.write(
          registrations,
          remove.map(({ key }) => key),
        ),
      );
      if (outcome === null) return reply;
      const { changed, deleted } = outcome;
      noteRegistrations(request, trail, {
        verb: 'register',
        changed: outcome.put.filter((_, index) => changed[index]),
      });
      const gone = remove.map(({ key }) => key).filter((_, index) => deleted[index]);
      noteRegistrations(request, trail, { verb: 'deregister', changed: gone });
      return { put: outcome.put.map(describeInstance), deleted };
    });
  };
}

const isWatch = (request: FastifyRequest): boolean => {
  const query = request.query;
  return typeof query === 'object' && query !== null && 'watch' in query && query.watch !== 'false';
};

/** Reads the names in a URL. Hostnames are case-insensitive. */
function readKey({ namespace, host, id }: InstanceParams): { key: InstanceKey; problems: readonly FieldProblem[] } {
  const key = { namespace, host: host.toLowerCase(), id };
  return { key, problems: keyProblems(key) };
}

const prefixed = (
  items: readonly { readonly problems: readonly FieldProblem[] }[],
  list: string,
): readonly FieldProblem[] =>
  items.flatMap(({ problems }, index) =>
    problems.map(({ field, message }) => ({ field: `${list}[${index}].${field}`, message })),
  );

type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

function parsed<T>(schema: z.ZodType<T>, body: unknown, before: readonly FieldProblem[]): Parsed<T> {
  const result = schema.safeParse(body);
  if (result.success && before.length === 0) return { ok: true, value: result.data };
  return { ok: false, problems: [...before, ...(result.success ? [] : fieldProblems(result.error))] };
}

const answer = (reply: FastifyReply, status: number, error: RegistrationError): FastifyReply =>
  reply.code(status).send(error);

const refuse = (reply: FastifyReply, problems: readonly FieldProblem[]): FastifyReply =>
  answer(reply, 400, { error: 'the request is not valid', problems });

const missing = (reply: FastifyReply, error: string): FastifyReply => answer(reply, 404, { error, problems: [] });

/** Runs a write. Returns null if it cannot be persisted; the error has been answered then. */
async function stored<T>(reply: FastifyReply, write: () => Promise<T>): Promise<T | null> {
  try {
    return await write();
  } catch (cause) {
    if (!(cause instanceof MeshError) || cause.code !== 'STORE_UNAVAILABLE') throw cause;
    answer(reply, 503, { error: cause.message, problems: [] });
    return null;
  }
}
