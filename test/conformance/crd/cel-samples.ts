/** By the message of a rule of CEL: values that it refuses, where it stands. */
export const refusedValues: Readonly<Record<string, readonly unknown[]>> = {
  'must be a valid duration greater than 1ms': ['10', '-1s', '999us', 'soon'],
  'port must be between 1-65535': [0, 65_536, { 0: {} }, { 65536: {} }],
  'port name must be valid': [{ '-http': 80 }, { [`${'a'.repeat(63)}`]: 80 }],
  'port number cannot be duplicated': [
    [
      { number: 80, name: 'a' },
      { number: 80, name: 'b' },
    ],
  ],
  'scheme must be one of [HTTP, HTTPS]': ['FTP'],
  'hostname cannot be wildcard': ['*'],
  'Address is required': [{ labels: { app: 'a' } }],
  'UDS may not include ports': [{ address: 'unix:///run/a.sock', ports: { http: 80 } }],
  'UDS must be an absolute path or abstract socket': ['unix://run/a.sock'],
  'UDS may not be a dir': ['unix:///run/'],
  'wildcard is not supported in selector': ['v*'],
  'wildcard not allowed in label value match': ['v*'],
  'wildcard not allowed in label key match': [{ 'ap*': 'a' }],
  'key must not be empty': [{ '': 'a' }],
  'cross namespace referencing is not currently supported': ['other'],
  'only one of targetRefs or selector can be set': [
    { selector: { matchLabels: { app: 'a' } }, targetRefs: [{ kind: 'Service', name: 'a' }] },
  ],
  'only one of targetRefs or workloadSelector can be set': [
    { workloadSelector: { labels: { app: 'a' } }, targetRefs: [{ kind: 'Service', name: 'a' }] },
  ],
  'only one of WorkloadSelector or Endpoints can be set': [
    { resolution: 'STATIC', endpoints: [{ address: '10.0.0.1' }], workloadSelector: { labels: { app: 'a' } } },
  ],
  'CIDR addresses are allowed only for NONE/STATIC resolution types': [
    { resolution: 'DNS', addresses: ['10.0.0.0/8'] },
  ],
  'NONE mode cannot set endpoints': [{ endpoints: [{ address: '10.0.0.1' }] }],
  'DNS_ROUND_ROBIN mode cannot have multiple endpoints': [
    { resolution: 'DNS_ROUND_ROBIN', endpoints: [{ address: 'a.example' }, { address: 'b.example' }] },
  ],
  'only one of credentialNames or tlsCertificates can be set': [
    { mode: 'SIMPLE', credentialNames: ['a'], tlsCertificates: [{ serverCertificate: 'c', privateKey: 'k' }] },
  ],
  'only one of credentialName or credentialNames can be set': [
    { mode: 'SIMPLE', credentialName: 'a', credentialNames: ['b'] },
  ],
  'only one of credentialName or tlsCertificates can be set': [
    { mode: 'SIMPLE', credentialName: 'a', tlsCertificates: [{ serverCertificate: 'c', privateKey: 'k' }] },
  ],
  'exactly one of wasm or lua must be set': [{}, { wasm: { url: 'oci://a/b' }, lua: { inlineCode: 'return' } }],
  'url must have schema one of [http, https, file, oci]': ['ftp://a/b'],
  'value may only be set when valueFrom is INLINE': [{ name: 'A', valueFrom: 'HOST', value: 'a' }],
  'only support waypointMatch when context is WAYPOINT': [
    { context: 'WAYPOINT' },
    { context: 'GATEWAY', waypoint: { portNumber: 80 } },
  ],
  'Cannot set serviceAccounts with namespaces or principals': [{ serviceAccounts: ['a'], namespaces: ['b'] }],
  'portLevelMtls requires selector': [{ portLevelMtls: { 80: { mode: 'STRICT' } } }],
  'only one of jwks or jwksUri can be set': [{ issuer: 'a', jwks: '{"keys":[]}', jwksUri: 'https://a.example/keys' }],
  'url must have scheme http:// or https://': ['ftp://a.example/keys'],
  'value must be set when operation is UPSERT': [{ operation: 'UPSERT' }],
  'value must not be set when operation is REMOVE': [{ operation: 'REMOVE', value: 'a' }],
};

/** Fields that a spec of a kind must have before rules about several of its fields are evaluated. */
export const required: Readonly<Record<string, object>> = {
  ServiceEntry: { hosts: ['a.example'] },
  WasmPlugin: { url: 'oci://a/b' },
};
