import { type HttpResponse, send } from '../../support/http.ts';

/** Counted requests to the HTTP port. Answers of 500 and above are recorded. */
export interface Api {
  readonly counts: { requests: number; refused: number };
  readonly faults: readonly string[];
  ask(method: string, path: string, body?: unknown): Promise<HttpResponse>;
  /** Sends a request that must succeed. */
  must(method: string, path: string, body?: unknown): Promise<unknown>;
}

export function createApi(port: number): Api {
  const counts = { requests: 0, refused: 0 };
  const faults: string[] = [];
  const ask = async (method: string, path: string, body?: unknown) => {
    counts.requests++;
    const json = { 'content-type': 'application/json', 'x-binnacle-author': 'soak' };
    const headers = { accept: 'application/json', ...(body === undefined ? {} : json) };
    const content = body === undefined ? { headers } : { headers, body: JSON.stringify(body) };
    const response = await send(port, { method, path, timeoutMs: 30_000, ...content });
    if (response.status >= 400) counts.refused++;
    if (response.status >= 500) faults.push(`${method} ${path}: ${response.status} ${response.body.slice(0, 300)}`);
    return response;
  };
  return {
    counts,
    faults,
    ask,
    async must(method, path, body) {
      const { status, body: text } = await ask(method, path, body);
      if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 1_000)}`);
      return text === '' ? null : JSON.parse(text);
    },
  };
}
