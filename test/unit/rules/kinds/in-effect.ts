const under = (prefix: string, fields: readonly string[]): readonly string[] =>
  fields.map((field) => (field.startsWith('[') || field.startsWith('{') ? prefix + field : `${prefix}.${field}`));

const text = ['exact', 'prefix', 'regex'];
const headers = ['request', 'response'].flatMap((way) => under(way, ['set{}', 'add{}', 'remove[]']));
const destination = ['host', 'subset', 'port.number'];
const source = ['port', 'sourceLabels{}', 'gateways[]', 'sourceNamespace'];

const httpMatch = [
  ...source,
  'name',
  'ignoreUriCase',
  'statPrefix',
  ...['uri', 'scheme', 'method', 'authority', 'headers{}', 'withoutHeaders{}', 'queryParams{}'].flatMap((field) =>
    under(field, text),
  ),
];

const http = [
  'name',
  ...under('match[]', httpMatch),
  ...under('route[].destination', destination),
  'route[].weight',
  ...under('route[].headers', headers),
  ...under('redirect', ['uri', 'prefixRewrite', 'authority', 'port', 'derivePort', 'scheme', 'redirectCode']),
  ...under('directResponse', ['status', 'body.string', 'body.bytes']),
  ...under('rewrite', ['uri', 'authority', 'uriRegexRewrite.match', 'uriRegexRewrite.rewrite']),
  'timeout',
  ...under('retries', ['attempts', 'perTryTimeout', 'retryOn', 'retryIgnorePreviousHosts', 'backoff']),
  'retries.retryRemoteLocalities',
  ...under('delegate', ['name', 'namespace']),
  ...under('fault.delay', ['fixedDelay', 'exponentialDelay', 'percent', 'percentage.value']),
  ...under('fault.abort', ['httpStatus', 'grpcStatus', 'http2Error', 'percentage.value']),
  ...under('corsPolicy', ['allowOrigin[]', ...under('allowOrigins[]', text), 'allowMethods[]', 'allowHeaders[]']),
  ...under('corsPolicy', ['exposeHeaders[]', 'maxAge', 'allowCredentials', 'unmatchedPreflights']),
  ...under('mirror', destination),
  ...under('mirrors[].destination', destination),
  ...['mirrors[].percentage.value', 'mirrorPercent', 'mirror_percent', 'mirrorPercentage.value'],
  ...under('headers', headers),
];

const hash = [
  ...['httpHeaderName', 'httpQueryParameterName', 'useSourceIp'],
  ...under('httpCookie', ['name', 'path', 'ttl', 'attributes[].name', 'attributes[].value']),
  ...['ringHash.minimumRingSize', 'maglev.tableSize', 'minimumRingSize'],
];

const tls = [
  ...['mode', 'sni', 'subjectAltNames[]', 'insecureSkipVerify', 'caCrl'],
  ...['clientCertificate', 'privateKey', 'caCertificates'],
  'credentialName', // reported for the modes that need it (destination-rule.test.ts)
];

const pool = [
  ...under('tcp', ['maxConnections', 'connectTimeout', 'maxConnectionDuration', 'idleTimeout']),
  ...under('tcp.tcpKeepalive', ['probes', 'time', 'interval']),
  ...under('http', ['http1MaxPendingRequests', 'http2MaxRequests', 'maxRequestsPerConnection']),
  ...under('http', ['maxRetries', 'idleTimeout', 'h2UpgradePolicy', 'useClientProtocol']),
  ...under('http', ['maxConcurrentStreams', 'http2KeepAlive.interval', 'http2KeepAlive.timeout']),
];

const policy = [
  ...under('loadBalancer', ['simple', ...under('consistentHash', hash), 'warmupDurationSecs']),
  ...under('loadBalancer.warmup', ['duration', 'minimumPercent', 'aggression']),
  ...under('loadBalancer.localityLbSetting', ['enabled', 'failoverPriority[]', 'failover[].from', 'failover[].to']),
  ...under('loadBalancer.localityLbSetting.distribute[]', ['from', 'to{}']),
  ...under('connectionPool', pool),
  ...under('outlierDetection', ['consecutiveErrors', 'splitExternalLocalOriginErrors', 'consecutive5xxErrors']),
  ...under('outlierDetection', ['consecutiveLocalOriginFailures', 'consecutiveGatewayErrors', 'interval']),
  ...under('outlierDetection', ['baseEjectionTime', 'maxEjectionPercent', 'minHealthPercent']),
  ...under('tls', tls),
];

const whole = [
  ...under('tunnel', ['protocol', 'targetHost', 'targetPort']),
  'proxyProtocol.version',
  ...under('retryBudget', ['percent', 'minRetryConcurrency']),
];

const policies = [...policy, ...whole, 'portLevelSettings[].port.number', ...under('portLevelSettings[]', policy)];

const workload = ['address', 'ports{}', 'labels{}', 'locality', 'network', 'weight'];

/** Fields of each kind that affect the configuration of proxies. The kind's `pending` must report every other field. */
export const inEffect: Readonly<Record<string, readonly string[]>> = {
  VirtualService: [
    ...['hosts[]', 'gateways[]', 'exportTo[]'],
    ...under('http[]', http),
    ...under('tls[].match[]', [...source, 'sniHosts[]', 'destinationSubnets[]']),
    ...under('tls[].route[]', ['weight', ...under('destination', destination)]),
    ...under('tcp[].match[]', [...source, 'destinationSubnets[]', 'sourceSubnet']),
    ...under('tcp[].route[]', ['weight', ...under('destination', destination)]),
  ],
  DestinationRule: [
    ...['host', 'exportTo[]', 'workloadSelector.matchLabels{}', 'subsets[].name', 'subsets[].labels{}'],
    ...under('trafficPolicy', policies),
    ...under('subsets[].trafficPolicy', policies),
  ],
  Sidecar: [
    ...['workloadSelector.labels{}', 'egress[].hosts[]', 'egress[].bind', 'egress[].captureMode'],
    ...['outboundTrafficPolicy.mode', ...under('outboundTrafficPolicy.egressProxy', destination)],
    ...under('egress[].port', ['number', 'protocol', 'name']),
    ...under('ingress[].port', ['number', 'protocol', 'name']),
    ...under('ingress[]', ['bind', 'captureMode', 'defaultEndpoint']),
    ...under('ingress[].connectionPool', pool),
    ...under('inboundConnectionPool', pool),
  ],
  ServiceEntry: [
    ...[
      'hosts[]',
      'addresses[]',
      'location',
      'resolution',
      'exportTo[]',
      'workloadSelector.labels{}',
      'subjectAltNames[]',
    ],
    ...under('ports[]', ['number', 'name', 'protocol', 'targetPort']),
    ...under('endpoints[]', workload),
  ],
  WorkloadEntry: workload,
  WorkloadGroup: [
    ...['metadata.labels{}', 'metadata.annotations{}', 'template.serviceAccount'],
    ...under('template', workload).filter((field) => field !== 'template.address'),
  ],
  Gateway: [],
};
