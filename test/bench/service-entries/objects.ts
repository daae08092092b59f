/** An object as an administrator writes it, and the plural for its URL. */
export interface WrittenObject {
  readonly plural: string;
  readonly kind: string;
  readonly name: string;
  readonly spec: object;
}

/** Number of ServiceEntries that select WorkloadEntries. One of them selects each WorkloadEntry. */
const selectors = 100;

const port = { number: 80, name: 'http', protocol: 'HTTP' };

export const writtenServiceEntry = (index: number): WrittenObject => ({
  plural: 'serviceentries',
  kind: 'ServiceEntry',
  name: `partner-${index}`,
  spec: {
    hosts: [`partner-${index}.example.com`],
    location: 'MESH_EXTERNAL',
    resolution: 'STATIC',
    ports: [port],
    endpoints: [{ address: addressOf(index) }],
  },
});

export const selectingEntries = (): readonly WrittenObject[] =>
  Array.from({ length: selectors }, (_, index) => ({
    plural: 'serviceentries',
    kind: 'ServiceEntry',
    name: `machines-${index}`,
    spec: {
      hosts: [`machines-${index}.example.com`],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      ports: [port],
      workloadSelector: { labels: { app: `app-${index}` } },
    },
  }));

export const writtenWorkloadEntry = (index: number): WrittenObject => ({
  plural: 'workloadentries',
  kind: 'WorkloadEntry',
  name: `machine-${index}`,
  spec: { address: addressOf(index), labels: { app: `app-${index % selectors}`, version: 'v1' } },
});

export const writtenVirtualService = (index: number): WrittenObject => ({
  plural: 'virtualservices',
  kind: 'VirtualService',
  name: `rule-${index}`,
  spec: {
    hosts: [`rule-${index}.example.com`],
    http: [{ route: [{ destination: { host: 'partner-0.example.com' } }] }],
  },
});

const addressOf = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
