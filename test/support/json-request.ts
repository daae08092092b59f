/** Answer with a JSON body. */
export interface JsonAnswer {
  readonly code: number;
  /** An object of Kubernetes, a list of some, or a status: tests compare what they expect. */
  readonly body: {
    readonly metadata: Readonly<Record<string, unknown>>;
    readonly spec: unknown;
    readonly [field: string]: unknown;
  };
}

/** Sends a request with a JSON body to a port of this machine. */
export async function jsonRequest(
  port: number,
  path: string,
  { method = 'GET', body }: { readonly method?: string | undefined; readonly body?: object } = {},
): Promise<JsonAnswer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { code: response.status, body: (await response.json()) as JsonAnswer['body'] };
}
