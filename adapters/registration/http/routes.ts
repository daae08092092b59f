import type {
  AdapterHttp,
  AdapterRoute,
  RouteAnswer,
  RouteParams,
  RouteRequest,
} from '../../../src/adapter-contract/http.ts';
import type { Need } from '../../../src/model/access.ts';
import type { Instance } from '../contract.ts';
import { jsonAnswer, missing, nothing, parsed, refusal, refuse } from './answers.ts';
import { namesRegistry, type RegistrationApi, readKey, refusalIn, whyNot } from './api.ts';
import { noteInstances } from './audit.ts';
import { applyBatch } from './batch.ts';
import { describeInstance, describeState, instanceBody, keyProblems, toRegistration } from './schema.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { watched } from './watch.ts';

const root = '/registry/v1';
const servicesPath = `${root}/namespaces/:namespace/services`;
const instancesPath = `${servicesPath}/:host/instances`;
const instancePath = `${instancesPath}/:id`;
/** Debug view of the instances that go into registries. */
const statesPath = '/debug/registrationz';

/** Routes of the registration API: instances, heartbeats, lists, batches, watches and subscriptions. */
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
    {
      method: 'GET',
      path: statesPath,
      about: 'instances that go into registries, and the state of each',
      need: () => ({ type: 'read' }),
      answer: async () => listStates(api),
    },
    { method: 'POST', path: `${root}/batch`, need: writingMany, answer: (request) => applyBatch(api, request) },
  ];
  return {
    routes: [...routes, ...subscriptionRoutes(api.subscriptions)],
    describeError: (message) => refusal(message, []),
  };
}

const reading = ({ namespace = '' }: RouteParams): Need => ({ type: 'read-registrations', namespace });
const writing = ({ namespace = '' }: RouteParams): Need => ({ type: 'register', namespace });
/** Permission for a request whose body names the namespaces. Each is checked later. */
const writingMany = (): Need => ({ type: 'register', namespace: null });

async function putInstance(api: RegistrationApi, request: RouteRequest): Promise<RouteAnswer> {
  const key = readKey(request.params);
  const body = parsed(instanceBody, request.body, keyProblems(key, namesRegistry(request.body)));
  if (!body.ok) return refuse(400, 'the request is not valid', body.problems);
  const registration = toRegistration(key, body.value);
  const impossible = api.registrar.refusalOf(registration);
  if (impossible !== null) return refuse(400, impossible, [{ field: 'registry', message: impossible }]);
  const taken = whyNot(api, registration);
  if (taken !== null) return refuse(409, taken, [{ field: 'host', message: taken }]);
  const before = await api.book.get(key);
  const { put, changed } = await api.book.write([registration], []);
  noteInstances(request, 'register', changed[0] ? [key] : []);
  const state = await api.registrar.attempt(key);
  const refused = state === null ? null : refusalIn(registration, state);
  if (refused !== null) return refuse(409, refused, [{ field: 'registry', message: refused }]);
  const [instance] = put;
  const status = state?.type === 'pending' ? 202 : before === null ? 201 : 200;
  return jsonAnswer(status, instance === undefined ? {} : describeInstance(instance, state));
}

async function getInstance(api: RegistrationApi, { params }: RouteRequest): Promise<RouteAnswer> {
  const instance = await api.book.get(readKey(params));
  return instance === null ? missing('the instance is not registered') : jsonAnswer(200, shown(api, instance));
}

async function deleteInstance({ book }: RegistrationApi, request: RouteRequest): Promise<RouteAnswer> {
  const key = readKey(request.params);
  const { deleted } = await book.write([], [key]);
  noteInstances(request, 'deregister', deleted[0] ? [key] : []);
  return deleted[0] ? nothing : missing('the instance is not registered');
}

async function heartbeat(api: RegistrationApi, { params }: RouteRequest): Promise<RouteAnswer> {
  const instance = await api.book.heartbeat(readKey(params));
  if (instance === null) return missing('the instance is not registered, or its lease is over: register again');
  return jsonAnswer(200, shown(api, instance));
}

async function listInstances(api: RegistrationApi, { params, query }: RouteRequest): Promise<RouteAnswer> {
  const { namespace, host } = readKey(params);
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
  const { namespace, host } = readKey(request.params);
  const instances = await book.instances(namespace, host);
  const removed = await book.removeService(namespace, host);
  noteInstances(request, 'deregister', removed ? instances : []);
  return removed ? nothing : missing('the service is not registered');
}

const listStates = ({ registrar }: RegistrationApi): RouteAnswer =>
  jsonAnswer(200, {
    instances: registrar.list().map(({ key, registry, state }) => ({ ...key, registry, ...describeState(state) })),
  });

/** Renders an instance with the reason why it is ignored, if another adapter has defined its service since. */
function shown(api: RegistrationApi, instance: Instance): object {
  const problem = whyNot(api, instance);
  const described = describeInstance(instance, api.registrar.stateOf(instance));
  return problem === null ? described : { ...described, problem };
}

const isWatch = ({ watch }: RouteRequest['query']): boolean => watch !== undefined && watch !== 'false';
