import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { meshServiceEntries, writeMeshFiles } from '../../bench/restart/objects.ts';

const mesh = { services: 300, endpoints: 2 };
let folder = '';

afterEach(() => rm(folder, { recursive: true, force: true }));

it('writes a Service with its own address and an EndpointSlice for each service', async () => {
  folder = await mkdtemp(join(tmpdir(), 'binnacle-restart-'));

  await writeMeshFiles(mesh, folder);

  expect(await readdir(folder)).toHaveLength(300);
  const documents = parseAllDocuments(await readFile(join(folder, 'svc-0257.yaml'), 'utf8')).map((one) => one.toJS());
  expect(documents).toMatchObject([
    { kind: 'Service', metadata: { name: 'svc-0257', namespace: 'bench' }, spec: { clusterIP: '10.96.1.1' } },
    { kind: 'EndpointSlice', endpoints: [{ addresses: ['10.1.2.15'] }, { addresses: ['10.1.2.16'] }] },
  ]);
});

it('has a ServiceEntry for each service, with the same endpoints', () => {
  const entries = meshServiceEntries(mesh);

  expect(entries).toHaveLength(300);
  expect(entries[257]).toMatchObject({
    metadata: { name: 'svc-0257', namespace: 'bench' },
    spec: {
      hosts: ['svc-0257.bench.svc.cluster.local'],
      endpoints: [{ address: '10.1.2.15' }, { address: '10.1.2.16' }],
    },
  });
});
