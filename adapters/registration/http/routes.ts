import type { AdapterContext } from '../../../src/adapter-contract/adapter.ts';
import type {
  AdapterHttp,
  AdapterRoute,
  RouteAnswer,
  RouteParams,
  RouteRequest,
} from '../../../src/adapter-contract/http.ts';
import type { Need } from '../../../src/model/access.ts';
import { hostname } from '../../../src/model/names.ts';
import type { Instance, InstanceKey, Registration, RegistrationBook } from '../contract.ts';
import { jsonAnswer, missing, nothing, parsed, prefixed, refusal, refuse } from './answers.ts';
import { noteInstances } from './audit.ts';
import { batchBody, describeInstance, type FieldProblem, instanceBody, keyProblems, toRegistration } from './schema.ts';
import { watched } from './watch.ts';

export interface RegistrationApi {
  readonly book: RegistrationBook;
  readonly registrationRefusal: AdapterContext['registrationRefusal'];
}

const root = '/registry/v1';
const servicesPath = `${root}/namespaces/:namespace/services`;
const instancesPath = `${servicesPath}/:host/instances`;
const instancePath = `${instancesPath}/:id`;

/** Routes of the registration API: instances, heartbeats, lists, batches and watches. */
export function registrationHttp(api: RegistrationApi): AdapterHttp {
  const routes: readonly AdapterRoute[] = [
    { method: 'PUT', path: instancePath, need: writing, answer: (request) => putInstance(api, request) },
    { method: 'GET', path: instancePath, need: reading, answer: (request) => getInstance(api, request) },
    { method: 'DELETE', path: instancePath, need: writing, answer: (request) => deleteInstance(api, request) },
    { method: 'PUT', path: `${instancePath}/heartbeat`, need: writing, answer: (request) => heartbeat(api, request) },
    { method: 'GET', path: instancesPath, need: reading, answer: (request) => listInstances(api, request) },
    { method: 'GET', path: servicesPath, need: reading, answer: (request) => listServices(api, request) },
    {
      method: 'DELETE',
      path: `${servicesPath}/:host`,
      need: writing,
      answer: (request) => deleteService(api, request),
    },
    { method: 'POST', path: `${root}/batch`, need: writingMany, answer: (request) => applyBatch(api, request) },
  ];
  return { routes, describeError: (message) => refusal(message, []) };
}

const reading = ({ namespace = '' }: RouteParams): Need => ({ type: 'read-registrations', namespace });
const writing = ({ namespace = '' }: RouteParams): Need => ({ type: 'register', namespace });
/** Permission for a request whose body names the namespaces. Each is checked later. */
const writingMany = (): Need => ({ type: 'register', namespace: null });

async function putInstance(api: RegistrationApi, request: RouteRequest): Promise<RouteAnswer> {
  const { key, problems } = readKey(request.params);
  const body = parsed(instanceBody, request.body, problems);
  if (!body.ok) return refuse(400, 'the request is not valid', body.problems);
  const registration = toRegistration(key, body.value);
  const taken = whyNot(api, registration);
  if (taken !== null) return refuse(409, taken, [{ field: 'host', message: taken }]);
  const before = await api.book.get(key);
  const { put, changed } = await api.book.write([registration], []);
  noteInstances(request, 'register', changed[0] ? [key] : []);
  const [instance] = put;
  return jsonAnswer(before === null ? 201 : 200, instance === undefined ? {} : describeInstance(instance));
}

async function getInstance(api: RegistrationApi, { params }: RouteRequest): Promise<RouteAnswer> {
  const instance = await api.book.get(readKey(params).key);
  return instance === null ? missing('the instance is not registered') : jsonAnswer(200, shown(api, instance));
}

async function deleteInstance({ book }: RegistrationApi, request: RouteRequest): Promise<RouteAnswer> {
  const { key } = readKey(request.params);
  const { deleted } = await book.write([], [key]);
  noteInstances(request, 'deregister', deleted[0] ? [key] : []);
  return deleted[0] ? nothing : missing('the instance is not registered');
}

async function heartbeat(api: RegistrationApi, { params }: RouteRequest): Promise<RouteAnswer> {
  const instance = await api.book.heartbeat(readKey(params).key);
  if (instance === null) return missing('the instance is not registered, or its lease is over: register again');
  return jsonAnswer(200, shown(api, instance));
}

async function listInstances(api: RegistrationApi, { params, query }: RouteRequest): Promise<RouteAnswer> {
  const { namespace, host } = readKey(params).key;
  if (isWatch(query)) return watched(api.book, { namespace, host });
  const instances = await api.book.instances(namespace, host);
  return jsonAnswer(200, { instances: instances.map((instance) => shown(api, instance)) });
}

async function listServices({ book }: RegistrationApi, { params, query }: RouteRequest): Promise<RouteAnswer> {
  const { namespace = '' } = params;
  if (isWatch(query)) return watched(book, { namespace, host: null });
  return jsonAnswer(200, { services: await book.services(namespace) });
}

async function deleteService({ book }: RegistrationApi, request: RouteRequest): Promise<RouteAnswer> {
  const { namespace, host } = readKey(request.params).key;
  const instances = await book.instances(namespace, host);
  const removed = await book.removeService(namespace, host);
  noteInstances(request, 'deregister', removed ? instances : []);
  return removed ? nothing : missing('the service is not registered');
}

async function applyBatch(api: RegistrationApi, request: RouteRequest): Promise<RouteAnswer> {
  const body = parsed(batchBody, request.body, []);
  if (!body.ok) return refuse(400, 'the request is not valid', body.problems);
  const put = body.value.put.map((item) => ({ ...readKey(item), item }));
  const remove = body.value.delete.map(readKey);
  const wrong = [...prefixed(put, 'put'), ...prefixed(remove, 'delete')];
  if (wrong.length > 0) return refuse(400, 'the request is not valid', wrong);
  for (const { key } of [...put, ...remove]) request.demand({ type: 'register', namespace: key.namespace });
  const registrations = put.map(({ key, item }) => toRegistration(key, item));
  const taken = registrations.flatMap((registration, index) => {
    const message = whyNot(api, registration);
    return message === null ? [] : [{ field: `put[${index}].host`, message }];
  });
  const [first] = taken;
  if (first !== undefined) return refuse(409, first.message, taken);
  const removedKeys = remove.map(({ key }) => key);
  const outcome = await api.book.write(registrations, removedKeys);
  const { changed, deleted } = outcome;
  noteInstances(
    request,
    'register',
    outcome.put.filter((_, index) => changed[index]),
  );
  noteInstances(
    request,
    'deregister',
    removedKeys.filter((_, index) => deleted[index]),
  );
  return jsonAnswer(200, { put: outcome.put.map(describeInstance), deleted });
}

/** Adds the reason why an instance is ignored, if another adapter has defined its service since. */
function shown(api: RegistrationApi, instance: Instance): object {
  const problem = whyNot(api, instance);
  return problem === null ? describeInstance(instance) : { ...describeInstance(instance), problem };
}

const whyNot = ({ registrationRefusal }: RegistrationApi, { namespace, host, vips }: Registration): string | null =>
  registrationRefusal({ namespace, hostname: hostname(host), vips });

const isWatch = ({ watch }: RouteRequest['query']): boolean => watch !== undefined && watch !== 'false';

/** Reads the names in a URL. Hostnames are case-insensitive. */
function readKey({ namespace = '', host = '', id = '' }: Partial<InstanceKey>): {
  readonly key: InstanceKey;
  readonly problems: readonly FieldProblem[];
} {
  const key = { namespace, host: host.toLowerCase(), id };
  return { key, problems: keyProblems(key) };
}
