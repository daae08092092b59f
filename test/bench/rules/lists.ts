import { get } from 'node:http';
import { median } from '../report/quantile.ts';

export interface ListFigures {
  /** Median from the request until the last byte. */
  readonly ms: number;
  readonly bytes: number;
}

/** Request forms of a list. */
export const listForms = {
  plain: {},
  gzip: { 'accept-encoding': 'gzip' },
  table: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  'table, gzip': { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io', 'accept-encoding': 'gzip' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

export type ListForm = keyof typeof listForms;

const times = 5;

/** Requests a list several times in sequence. Counts the bytes of bodies without parsing them. */
export async function timeList(port: number, path: string, form: ListForm): Promise<ListFigures> {
  const took: number[] = [];
  let bytes = 0;
  for (let time = 0; time < times; time++) {
    const startedAt = performance.now();
    bytes = await bytesOf(port, path, listForms[form]);
    took.push(performance.now() - startedAt);
  }
  return { ms: median(took), bytes };
}

function bytesOf(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(bytes);
        else reject(new Error(`GET ${path}: ${response.statusCode}`));
      });
    });
    request.on('error', reject);
  });
}
