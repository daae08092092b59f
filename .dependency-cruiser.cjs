/**
 * Which room may import which: the table of docs/architecture.md, enforced. A room may always import itself. What is
 * not listed is refused.
 */
const rooms = {
  lib: [],
  model: ['lib'],
  proto: ['lib'],
  plan: ['lib', 'model'],
  'adapter-contract': ['lib', 'model'],
  disk: ['lib'],
  dns: ['lib'],
  kubernetes: ['lib'],
  dubbo: ['lib', 'model'],
  registry: ['lib', 'model', 'adapter-contract', 'disk'],
  rules: ['lib', 'model', 'adapter-contract', 'plan'],
  store: ['lib', 'rules', 'disk', 'kubernetes'],
  compile: ['lib', 'model', 'proto', 'plan', 'rules'],
  xds: ['lib', 'model', 'proto'],
  simulator: ['lib', 'model', 'proto'],
  rpc: ['lib'],
  push: ['lib', 'model', 'proto', 'adapter-contract', 'disk', 'registry', 'rules', 'compile', 'xds', 'rpc'],
  security: ['lib', 'model'],
  telemetry: ['lib', 'model', 'proto', 'registry', 'rules', 'xds', 'push'],
  api: ['lib', 'model', 'adapter-contract', 'rules'],
  console: ['lib'],
  agent: ['lib', 'model'],
};

/** What puts the rooms together knows all of them, and the commands know that too. */
rooms.serve = Object.keys(rooms);
rooms.cli = Object.keys(rooms);

/** Rooms that do no I/O. */
const pureRooms = '^src/(lib|model|plan|dubbo|rules|compile|xds|simulator)/';
const ioModules =
  '^(node:)?(child_process|cluster|dgram|dns|fs|http|http2|https|inspector|net|os|process|readline|repl|sqlite|tls|worker_threads)(/|$)';

const roomRules = Object.entries(rooms).map(([room, allowed]) => ({
  name: `room-${room}`,
  comment: `src/${room} imports only what docs/architecture.md lists for it: ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
}));

/**
 * Inside `compile` imports have one direction, too: what each part may import of the others. Layers and the compiler, which come last,
 * may import all of them.
 */
const compileParts = {
  'world/': 'world/|contract\\.ts',
  '(facts|scope-key|inbound-facts|selected-rule|client-traits|ip-families)\\.ts':
    'world/|(facts|selected-rule|client-traits|ip-families)\\.ts',
  'resolve/': 'resolve/|world/|(contract|scope-key|inbound-facts|client-traits)\\.ts',
  '(generators|http-filters)/': '(generators|http-filters)/',
  '((envoy|grpc|mosn)/|dialects?\\.ts)':
    '(generators|http-filters|envoy|grpc|mosn)/|(dialect|client-traits|resolve/origins)\\.ts',
  '(writer|patch|content-pool)\\.ts': '(generators|http-filters)/|(dialect|patch|content-pool)\\.ts',
  'tables/': 'tables/|generators/|resolve/|world/|(contract|content-pool|writer|patch)\\.ts',
};

const compileRules = Object.entries(compileParts).map(([part, allowed]) => ({
  name: 'compile-one-way',
  comment: `src/compile/${part} imports of compile only ${allowed}`,
  severity: 'error',
  from: { path: `^src/compile/${part}` },
  to: { path: '^src/compile/', pathNot: `^src/compile/(${allowed})` },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    ...compileRules,
    {
      name: 'unknown-room',
      comment: 'a new folder under src/ belongs into the table of docs/architecture.md and into this file',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${Object.keys(rooms).join('|')})/` },
      to: {},
    },
    {
      name: 'adapters-use-their-contract',
      comment:
        'an adapter knows its contract, the model, lib, the client of Kubernetes, host names and the formats of Dubbo, nothing else of the program',
      severity: 'error',
      from: { path: '^adapters/' },
      to: { path: '^src/', pathNot: '^src/(lib|model|adapter-contract|dns|kubernetes|dubbo)/' },
    },
    {
      name: 'adapters-apart',
      comment:
        "an adapter does not use another's code, but for the translation of Kubernetes objects, which are also files, and of their texts",
      severity: 'error',
      from: { path: '^adapters/([^/]+)/' },
      to: { path: '^adapters/[^/]+/', pathNot: '^adapters/($1/|kubernetes/translate|file/(documents|mesh)\\.ts)' },
    },
    {
      name: 'no-way-around-the-lists',
      comment: 'src/ knows adapters only in serve/',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/serve/' },
      to: { path: '^adapters/' },
    },
    {
      name: 'pure-rooms',
      comment: 'pure rooms do no I/O: what they need comes in as a parameter',
      severity: 'error',
      from: { path: pureRooms },
      to: { path: ioModules },
    },
    {
      name: 'pure-packages',
      comment: 'pure rooms use no package that does I/O',
      severity: 'error',
      from: { path: pureRooms },
      to: { path: '^node_modules/', pathNot: '^node_modules/(zod|@bufbuild/protobuf|re2js)/' },
    },
    {
      name: 'resolving-notes-what-it-reads',
      comment: 'resolving asks the world through world/world-reader.ts, which notes what a plan depends on',
      severity: 'error',
      from: { path: '^src/compile/resolve/' },
      to: { path: '^src/compile/world/(world|rule-index|workloads)\\.ts$' },
    },
    {
      name: 'no-circle',
      comment: 'who imports whom has one direction',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-test-code',
      comment: 'the program does not import its tests',
      severity: 'error',
      from: { path: '^(src|adapters)/' },
      to: { path: '^test/' },
    },
    {
      name: 'resolves',
      comment: 'an import that leads nowhere hides from every other rule',
      severity: 'error',
      from: { path: '^(src|adapters)/' },
      to: { couldNotResolve: true, pathNot: '^#gen/' },
    },
  ],
  options: {
    parser: 'swc', // the default parser does not know TypeScript 7
    exclude: 'src/proto/gen',
    doNotFollow: 'node_modules',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
