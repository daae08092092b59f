import { type Rule, reviewsHost } from './mesh.ts';

export const subsets: Rule = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'reviews' },
  spec: {
    host: reviewsHost,
    subsets: ['v1', 'v2', 'v3'].map((version) => ({ name: version, labels: { version } })),
  },
};

/** VirtualService of reviews. */
export const routes = (...http: readonly object[]): Rule => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'reviews' },
  spec: { hosts: [reviewsHost], http },
});

/** Destinations of a route: subsets with weights. */
export const to = (weights: Readonly<Record<string, number>>): readonly object[] =>
  Object.entries(weights).map(([subset, weight]) => ({ destination: { host: reviewsHost, subset }, weight }));

export const onlyV1 = routes({ route: to({ v1: 100 }) });
