import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ClientKind } from '../../src/model/proxy.ts';
import { sidecarBootstrap, type TestSidecar } from '../support/envoy-bootstrap.ts';

/** Settings of a case, in its first document. */
const head = z.strictObject({
  /** Purpose of the golden file. */
  about: z.string().min(1),
  /** The sidecars for which the mesh is compiled, by name. */
  proxies: z.record(
    z.string().regex(/^[a-z-]+$/),
    z.strictObject({
      /** An Envoy if left out. */
      client: z.enum(['envoy', 'grpc', 'mosn']).default('envoy'),
      interception: z.enum(['REDIRECT', 'NONE']).default('NONE'),
      namespace: z.string().optional(),
      address: z.string().optional(),
      labels: z.record(z.string(), z.string()).optional(),
      /** The mesh answers DNS of its workload. */
      capturesDns: z.boolean().optional(),
      locality: z.string().optional(),
    }),
  ),
});

/** A mesh with its proxies. */
export interface GoldenCase {
  readonly name: string;
  readonly about: string;
  readonly proxies: readonly CaseProxy[];
  /** The text of a file of the mesh directory. */
  readonly mesh: string;
}

export interface CaseProxy {
  readonly name: string;
  readonly client: ClientKind;
  /** Returns its Envoy's bootstrap, for a control plane at this port. */
  bootstrap(xdsPort: number, protocol?: 'sotw' | 'delta'): { readonly node: { readonly id: string } };
}

const caseFolder = join(import.meta.dirname, 'cases');
const goldenFolder = join(import.meta.dirname, 'goldens');

/** Reads every case, by name. */
export async function readCases(): Promise<readonly GoldenCase[]> {
  const names = await namesIn(caseFolder);
  return Promise.all(names.map(async (name) => readCase(name, await readFile(pathIn(caseFolder, name), 'utf8'))));
}

function readCase(name: string, text: string): GoldenCase {
  const end = text.indexOf('\n---\n');
  if (end < 0) throw new Error(`case ${name}: a document of the mesh must follow the first one`);
  const { about, proxies } = head.parse(parse(text.slice(0, end)));
  return {
    name,
    about,
    proxies: Object.entries(proxies).map(([proxy, facts]) => caseProxy(name, proxy, facts)),
    mesh: text.slice(end + '\n---\n'.length),
  };
}

type Facts = z.infer<typeof head>['proxies'][string];

function caseProxy(
  caseName: string,
  name: string,
  { client, interception, namespace, address, labels, capturesDns, locality }: Facts,
): CaseProxy {
  const sidecar: Omit<TestSidecar, 'xdsPort' | 'protocol'> = {
    name: `${caseName}-${name}`,
    interception,
    ...(namespace === undefined ? {} : { namespace }),
    ...(address === undefined ? {} : { address }),
    ...(labels === undefined ? {} : { labels }),
    ...(capturesDns ? { metadata: { DNS_CAPTURE: 'true' } } : {}),
    ...(locality === undefined ? {} : { locality }),
  };
  return {
    name,
    client,
    // the result of `sidecarBootstrap` has a node, which its type omits
    bootstrap: (xdsPort, protocol = 'delta') =>
      sidecarBootstrap({ ...sidecar, xdsPort, protocol }) as { node: { id: string } },
  };
}

/** Returns the names of the golden files, including those without a case. */
export const goldenNames = (): Promise<readonly string[]> => namesIn(goldenFolder);

/** `null` if it does not exist. */
export const readGolden = (name: string): Promise<string | null> =>
  readFile(pathIn(goldenFolder, name), 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw cause;
  });

export async function writeGolden(name: string, text: string): Promise<void> {
  await mkdir(goldenFolder, { recursive: true });
  await writeFile(pathIn(goldenFolder, name), text);
}

export const removeGolden = (name: string): Promise<void> => rm(pathIn(goldenFolder, name));

const pathIn = (folder: string, name: string): string => join(folder, `${name}.yaml`);

const namesIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder)).map((file) => basename(file, '.yaml')).sort();
