import { createServer } from 'node:http';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { get, type HttpRequest, type HttpResponse, sendJson } from '../support/http.ts';
import { freePorts } from '../support/ports.ts';

export const namespace = 'demo';
export const reviewsHost = 'reviews.demo';
export const ratingsHost = 'ratings.demo';

/** Running sample mesh: shop calls reviews, which calls ratings, each through its own sidecar. */
export interface DemoMesh {
  readonly controlPlane: ControlPlane;
  readonly shop: Envoy;
  /** Versions of reviews by name. */
  readonly reviews: Readonly<Record<'v1' | 'v2' | 'v3', Backend>>;
  readonly ratings: Backend;
  /** Port at which shop's application calls reviews: its sidecar listens there on 127.0.0.1. */
  readonly reviewsPort: number;
  /** Calls reviews as shop's application does. */
  call(request?: HttpRequest): Promise<HttpResponse>;
  /** Calls reviews `count` times, some at once, and counts the answers: `200 v1`. */
  count(count: number, request?: HttpRequest): Promise<Readonly<Record<string, number>>>;
  /** Creates or replaces rules, as one transaction. */
  apply(...rules: readonly Rule[]): Promise<void>;
  /** Deletes rules. */
  remove(...rules: readonly Rule[]): Promise<void>;
  /** Registers an instance of reviews. */
  join(version: 'v1' | 'v2' | 'v3'): Promise<void>;
  /** Removes an instance of reviews from the registry. Its process goes on. */
  leave(version: 'v1' | 'v2' | 'v3'): Promise<void>;
  stop(): Promise<void>;
}

/** Rule of the demo. */
export interface Rule {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: object;
}

const atOnce = 20;
/** Starts everything on free ports of 127.0.0.1. */
export async function startDemoMesh(say: (text: string) => void): Promise<DemoMesh> {
  const [reviewsPort = 0, ratingsPort = 0] = await freePorts(2);
  const started: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of started.reverse()) await end();
  };
  const begin = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const one = await starting;
    started.push(() => one.stop());
    return one;
  };
  try {
    const controlPlane = await begin(startControlPlane({ args: ['--log-level', 'warn'] }));
    say(`control plane: xDS on 127.0.0.1:${controlPlane.xdsPort}, HTTP on 127.0.0.1:${controlPlane.httpPort}`);
    const ratings = await begin(startBackend('ratings'));
    const [v1, v2, v3] = await Promise.all([
      begin(startBackend('v1')),
      begin(startBackend('v2')),
      begin(startReviews('v3', ratingsPort)),
    ]);
    const reviews = { v1, v2, v3 };
    say(`services: reviews v1, v2, v3 and ratings, each a small HTTP server; v3 calls ratings`);
    const instance = (host: string, id: string) =>
      `/registry/v1/namespaces/${namespace}/services/${host}/instances/${id}`;
    const register = (host: string, backend: Backend, servicePort: number) =>
      sendJson(controlPlane.httpPort, 'PUT', instance(host, backend.name), {
        address: '127.0.0.1',
        ports: [{ name: 'http', port: backend.port, protocol: 'http', servicePort }],
        labels: { version: backend.name },
        ttlSeconds: 3_600,
      });
    const join = async (version: 'v1' | 'v2' | 'v3') => {
      await register(reviewsHost, reviews[version], reviewsPort);
    };
    await register(ratingsHost, ratings, ratingsPort);
    for (const version of ['v1', 'v2', 'v3'] as const) await join(version);
    const batch = async (rules: readonly Rule[], query = '') => {
      await sendJson(controlPlane.httpPort, 'POST', `/rules/v1/batch${query}`, {
        ...{ apiVersion: 'v1', kind: 'List' },
        items: rules.map(inNamespace),
      });
    };
    const apply = (...rules: readonly Rule[]) => batch(rules);
    const sidecar = async (name: string) =>
      begin(
        startEnvoy({
          name: `envoy-${name}`,
          bootstrap: sidecarBootstrap({
            xdsPort: controlPlane.xdsPort,
            protocol: 'delta',
            name,
            namespace,
            labels: { app: name },
          }),
        }),
      );
    await apply(onlyCalls('shop', reviewsHost), onlyCalls('reviews', ratingsHost));
    const [shop] = await Promise.all([sidecar('shop'), sidecar('reviews')]);
    say(`sidecars: two real Envoys, one beside shop and one beside reviews, without iptables`);

    const call = (request: HttpRequest = {}) => get(reviewsPort, { host: reviewsHost, ...request });
    return {
      ...{ controlPlane, shop, reviews, ratings, reviewsPort, call, apply, join, stop },
      async count(count, request) {
        const counts: Record<string, number> = {};
        for (let left = count; left > 0; left -= atOnce) {
          const answers = await Promise.all(
            Array.from({ length: Math.min(atOnce, left) }, () => outcome(call(request))),
          );
          for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
        }
        return Object.fromEntries(Object.entries(counts).sort());
      },
      remove: (...rules) => batch(rules, '?action=delete'),
      async leave(version) {
        await sendJson(controlPlane.httpPort, 'DELETE', instance(reviewsHost, version));
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Puts a rule into the demo's namespace, if its kind has one. */
const inNamespace = (rule: Rule): Rule =>
  rule.kind === 'MeshConfig' ? rule : { ...rule, metadata: { ...rule.metadata, namespace } };

const outcome = (answer: Promise<HttpResponse>): Promise<string> =>
  answer.then(
    ({ status, body }) => (status === 200 ? `200 ${body}` : String(status)),
    () => 'no answer',
  );

/** Sidecar that shows an application only the services that it calls: both Envoys listen on 127.0.0.1. */
const onlyCalls = (app: string, host: string): Rule => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'Sidecar',
  metadata: { name: app },
  spec: { workloadSelector: { labels: { app } }, egress: [{ hosts: [`*/${host}`] }] },
});

/** Starts a version of reviews that asks ratings through its own sidecar for each request. */
async function startReviews(name: string, ratingsPort: number): Promise<Backend> {
  const requests: Backend['requests'][number][] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    get(ratingsPort, { host: ratingsHost }).then(
      ({ status }) => response.writeHead(status, { 'x-backend': name }).end(name),
      () => response.writeHead(502).end(name),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port');
  return {
    ...{ name, address: '127.0.0.1', port: bound.port, requests },
    failNext: () => {},
    delay: () => {},
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
