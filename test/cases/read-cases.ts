import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const call = z.strictObject({
  note: z.string().optional(),
  direction: z.enum(['outbound', 'inbound', 'gateway']),
  address: z.string().default(''),
  port: z.number(),
  protocol: z.enum(['http', 'http2', 'tcp']),
  host: z.string().default(''),
  path: z.string().default('/'),
  method: z.string().default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  tls: z.enum(['none', 'tls', 'mtls']).default('none'),
  sni: z.string().default(''),
  alpn: z.string().optional(),
  expect: z.strictObject({
    listener: z.string().optional(),
    chain: z.string().optional(),
    virtualHost: z.string().optional(),
    route: z.string().optional(),
    cluster: z.string().optional(),
    weights: z.record(z.string(), z.number()).optional(),
    redirect: z.number().optional(),
    respond: z.number().optional(),
    error: z.string().optional(),
  }),
});

const fact = z.strictObject({
  note: z.string().optional(),
  type: z.enum(['cluster', 'listener', 'route', 'endpoint']),
  name: z.string(),
  path: z.string(),
  value: z.json(),
});

/** A case of README.md. */
const meshCase = z.strictObject({
  name: z.string().min(1),
  note: z.string().optional(),
  objects: z.string(),
  mesh: z.record(z.string(), z.json()).default({}),
  proxy: z.strictObject({
    role: z.enum(['sidecar', 'gateway']),
    ip: z.string(),
    name: z.string(),
    namespace: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    interception: z.literal('NONE').optional(),
    locality: z.string().default(''),
  }),
  calls: z.array(call).default([]),
  expectConfig: z.array(fact).default([]),
});

export type MeshCase = z.infer<typeof meshCase>;
export type MeshCall = z.infer<typeof call>;
export type ResourceFact = z.infer<typeof fact>;

/** Cases of one file. */
export interface Topic {
  /** Name of the file without `.yaml`. */
  readonly name: string;
  readonly cases: readonly MeshCase[];
  /** Names of cases that are not expected to hold yet, from `not-yet/<topic>.txt`. */
  readonly notYet: readonly string[];
}

/** Reads all topics, by name. */
export async function readTopics(): Promise<readonly Topic[]> {
  const files = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.yaml')).sort();
  return Promise.all(
    files.map(async (file) => {
      const name = basename(file, '.yaml');
      const text = await readFile(join(import.meta.dirname, file), 'utf8');
      return { name, cases: z.array(meshCase).parse(parse(text)), notYet: await readNotYet(name) };
    }),
  );
}

/** Names of the lists, including those without a topic. */
export const listNames = async (): Promise<readonly string[]> =>
  (await readdir(join(import.meta.dirname, 'not-yet'))).map((file) => basename(file, '.txt')).sort();

async function readNotYet(topic: string): Promise<readonly string[]> {
  const path = join(import.meta.dirname, 'not-yet', `${topic}.txt`);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return '';
    throw cause;
  });
  return text.split('\n').filter((line) => line !== '');
}
