const headerFields = {
  appendHeaders: 'headers.request.add',
  appendRequestHeaders: 'headers.request.add',
  appendResponseHeaders: 'headers.response.add',
  removeRequestHeaders: 'headers.request.remove',
  removeResponseHeaders: 'headers.response.remove',
};

const destinationFields = { name: 'host', namespace: 'host (name.namespace)', 'port.name': 'port.number' };

const below = (place: string, fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fields).map(([name, now]) => [`${place}.${name}`, `use ${now}`]));

/** Fields that earlier versions of the API had, with the advice for their authors. */
export const formerFields: Readonly<Record<string, string>> = {
  ...below('http[]', headerFields),
  ...below('http[].route[]', headerFields),
  ...below('http[]', { mirror_percentage: 'mirrorPercentage' }),
  ...below('http[].fault.abort', { percent: 'percentage.value' }),
  ...below('http[].fault.delay', { httpDelay: 'fixedDelay' }),
  ...below('http[].mirror', destinationFields),
  ...Object.fromEntries(
    ['http', 'tls', 'tcp'].flatMap((layer) =>
      Object.entries(below(`${layer}[].route[].destination`, destinationFields)),
    ),
  ),
  ...below('tcp[].match[]', { destinationSubnet: 'destinationSubnets (a list)' }),
  'http[].websocketUpgrade': 'remove it: every route accepts WebSocket',
};
