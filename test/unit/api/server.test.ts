import { describe, expect, it } from 'vitest';
import { health } from '../../../src/api/health.ts';
import { listenHttp } from '../../../src/api/listen.ts';
import { createHttpServer } from '../../../src/api/server.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { allowAll } from '../../support/allow-all.ts';

const index = [{ path: '/debug', about: 'what it knows and why' }];
const troubles = [{ name: 'mesh', state: 'degraded', reason: 'the directory mesh cannot be read' }];
const withAwaited = (awaited: readonly string[]) =>
  createHttpServer({
    log: silentLogger,
    accessCheck: allowAll,
    routes: [health({ awaited: () => awaited, troubles: () => troubles, index })],
  });

describe('health', () => {
  it('reports that the process is alive', async () => {
    const response = await withAwaited(['nacos']).inject('/healthz');
    expect(response.statusCode).toBe(200);
  });

  it('is not ready while a part is pending, and names it', async () => {
    const response = await withAwaited(['nacos', 'first compile']).inject('/readyz');
    expect(response.statusCode).toBe(503);
    expect(response.json()).toEqual({ ready: false, waitingFor: ['nacos', 'first compile'], troubles });
  });

  it('is ready when nothing is pending', async () => {
    const response = await withAwaited([]).inject('/readyz');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ ready: true, waitingFor: [], troubles });
  });

  it('lists links on /', async () => {
    const response = await withAwaited([]).inject('/');
    expect(response.body).toMatch(/\/debug +what it knows and why/);
  });
});

describe('the HTTP server', () => {
  it('answers an unknown path with a link to the list of paths', async () => {
    const response = await withAwaited([]).inject('/nowhere');
    expect(response.statusCode).toBe(404);
    expect(response.json().message).toBe('nothing is served at GET /nowhere; GET / lists the paths');
  });

  it('logs an internal error without exposing it', async () => {
    const logged: object[] = [];
    const log = { ...silentLogger, error: (facts: object) => logged.push(facts) };
    const fail = async () => {
      throw new Error('secret detail');
    };
    const server = createHttpServer({
      log,
      accessCheck: allowAll,
      routes: [async (scope) => void scope.get('/bug', fail)],
    });
    const response = await server.inject('/bug');
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('secret');
    expect(logged).toMatchObject([{ url: '/bug', err: { message: 'secret detail' } }]);
  });

  it('names the remedy when its port is taken', async () => {
    const first = withAwaited([]);
    const second = withAwaited([]);
    const port = Number(new URL(await listenHttp(first, { host: '127.0.0.1', port: 0 })).port);
    const taken = listenHttp(second, { host: '127.0.0.1', port });
    await expect(taken).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: `cannot listen on 127.0.0.1:${port}: another process listens there: stop it, or choose another with --http`,
    });
    await Promise.all([first.close(), second.close()]);
  });
});
