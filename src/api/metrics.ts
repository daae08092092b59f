import type { HttpRoutes } from './server.ts';

/** Serves `/metrics` in the text format of Prometheus. */
export function metricsRoute(text: () => Promise<string>): HttpRoutes {
  return (server) => {
    server.get('/metrics', async (_request, reply) => {
      reply.type('text/plain; version=0.0.4; charset=utf-8');
      return text();
    });
  };
}
