    doors,
    routes: [rulesApi({ kinds, store, book: { adapterOrigin, filed, onFiled }, unresolved, statuses, clock })],
  });
  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    { headers = {}, body }: Sent = {},
  ) => {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const payload = body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await server.inject({ method, url, headers: { ...type, ...headers }, ...payload });
    const isJson = String(response.headers['content-type']).startsWith('application/json');
    const text = response.body;
    return { code: response.statusCode, headers: response.headers, text, body: isJson ? response.json() : null };
  };
  return { server, store, clock, send, close: () => server.close() };
}

export const mergeType = { 'content-type': 'application/merge-patch+json' };
export const jsonPatchType = { 'content-type': 'application/json-patch+json' };
export const yamlType = { 'content-type': 'application/yaml' };
