import { z } from 'zod';
import type { AdapterRoute, RouteAnswer, RouteParams, RouteRequest } from '../../../src/adapter-contract/http.ts';
import type { Subscription, SubscriptionBook, SubscriptionKey } from '../subscriptions/contract.ts';
import { jsonAnswer, missing, nothing, parsed, refuse } from './answers.ts';
import { address, keyProblems, lease } from './schema.ts';

const root = '/registry/v1/namespaces/:namespace';
const workloadPath = `${root}/workloads/:id`;
const ofWorkloadPath = `${workloadPath}/subscriptions`;
const onePath = `${ofWorkloadPath}/:host`;

/** Schema of the body of a PUT, which may be absent. */
const subscriptionBody = z.strictObject({ address: address.optional(), ttlSeconds: lease.optional() });

/** Routes by which workloads say which services they call. */
export function subscriptionRoutes(book: SubscriptionBook): readonly AdapterRoute[] {
  const reading: AdapterRoute['need'] = ({ namespace = '' }) => ({ type: 'read-registrations', namespace });
  const writing: AdapterRoute['need'] = ({ namespace = '' }) => ({ type: 'register', namespace });
  return [
    { method: 'PUT', path: onePath, need: writing, answer: (request) => subscribe(book, request) },
    { method: 'DELETE', path: onePath, need: writing, answer: (request) => unsubscribe(book, request) },
    { method: 'DELETE', path: ofWorkloadPath, need: writing, answer: (request) => unsubscribe(book, request) },
    { method: 'GET', path: ofWorkloadPath, need: reading, answer: (request) => list(book, request) },
    { method: 'GET', path: `${root}/subscriptions`, need: reading, answer: (request) => list(book, request) },
    { method: 'PUT', path: `${workloadPath}/heartbeat`, need: writing, answer: (request) => heartbeat(book, request) },
    {
      method: 'GET',
      path: '/debug/subscriptionz',
      about: 'services that workloads say they call',
      need: () => ({ type: 'read' }),
      answer: async () => listing(await book.list({})),
    },
  ];
}

async function subscribe(book: SubscriptionBook, request: RouteRequest): Promise<RouteAnswer> {
  const key = readSubscription(request.params);
  const { namespace, workload, host } = key;
  const body = parsed(subscriptionBody, request.body ?? {}, keyProblems({ namespace, host, id: workload }, true));
  if (!body.ok) return refuse(400, 'the request is not valid', body.problems);
  const { address: at = null, ttlSeconds = null } = body.value;
  const { subscription, isNew } = await book.put({ ...key, address: at, ttlSeconds });
  if (isNew) request.note({ verb: 'subscribe', ...noted(key) });
  return jsonAnswer(isNew ? 201 : 200, describe(subscription));
}

async function unsubscribe(book: SubscriptionBook, request: RouteRequest): Promise<RouteAnswer> {
  const key = readSubscription(request.params);
  const removed = await book.remove(
    key.namespace,
    key.workload,
    request.params.host === undefined ? undefined : key.host,
  );
  if (removed === 0) return missing('there is no such subscription');
  request.note({ verb: 'unsubscribe', ...noted(key) });
  return nothing;
}

async function heartbeat(book: SubscriptionBook, { params }: RouteRequest): Promise<RouteAnswer> {
  const { namespace, workload } = readSubscription(params);
  const subscriptions = await book.heartbeat(namespace, workload);
  if (subscriptions === 0) return missing('the workload has no subscriptions, or their leases are over');
  return jsonAnswer(200, { subscriptions });
}

/** Lists those of a workload or of a namespace; `?host=` selects the callers of one service. */
async function list(book: SubscriptionBook, { params, query }: RouteRequest): Promise<RouteAnswer> {
  const { namespace, id } = params;
  const host = typeof query.host === 'string' ? query.host.toLowerCase() : undefined;
  const match = Object.entries({ namespace, workload: id, host }).filter(([, value]) => value !== undefined);
  return listing(await book.list(Object.fromEntries(match)));
}

const listing = (subscriptions: readonly Subscription[]): RouteAnswer =>
  jsonAnswer(200, { subscriptions: subscriptions.map(describe) });

const describe = ({ subscribedAtMs, expiresAtMs, address: at, ...key }: Subscription): object => ({
  ...key,
  ...(at === null ? {} : { address: at }),
  subscribedAt: new Date(subscribedAtMs).toISOString(),
  expiresAt: new Date(expiresAtMs).toISOString(),
});

const readSubscription = ({ namespace = '', id = '', host = '' }: RouteParams): SubscriptionKey => ({
  namespace,
  workload: id,
  host: host.toLowerCase(),
});

const noted = ({ namespace, workload, host }: SubscriptionKey) => ({
  kind: 'Subscription',
  namespace,
  name: host === '' ? workload : `${workload}/${host}`,
});
