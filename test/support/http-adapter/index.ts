import { z } from 'zod';
import { defineAdapter } from '../../../src/adapter-contract/adapter.ts';

/** An adapter with an HTTP route, in one folder. A PUT to a host's URL sets its only endpoint. */
export const httpAdapter = defineAdapter({
  kind: 'http-test',
  config: z.strictObject({ port: z.int() }),
  create({ port }, { name }) {
    const addresses = new Map<string, string>();
    return {
      http: {
        routes: [
          {
            method: 'PUT',
            path: '/example/:host',
            need: () => ({ type: 'register', namespace: 'default' }),
            async answer({ params: { host = '' }, body, note }) {
              const { address } = z.strictObject({ address: z.string() }).parse(body);
              addresses.set(host, address);
              note({ verb: 'register', kind: 'Example', namespace: 'default', name: host });
              return { type: 'json', status: 201, body: { adapter: name, host, address, port } };
            },
          },
          {
            method: 'GET',
            path: '/example',
            need: () => ({ type: 'read-registrations', namespace: 'default' }),
            answer: async () => ({
              type: 'lines',
              begin({ write }) {
                for (const [host, address] of addresses) write(`${host} ${address}`);
              },
            }),
          },
        ],
        describeError: (message) => ({ example: message }),
      },
      run: async (_sink, signal) =>
        new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true })),
    };
  },
});
