// Prepares the checkout: packages, generated messages, the build. Each step does only what is missing or out of date,
// so that it may run before every command. It is plain JavaScript and runs on Node.js 20 without any package, on a
// fresh clone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { restoreMessages, storeMessages } from './message-cache.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const generated = join(root, 'src/proto/gen');
const built = join(root, 'dist/src');

const steps = [
  {
    name: 'packages',
    doing: 'installing with npm ci',
    isDone: packagesMatch,
    run: () => runOrThrow('npm', ['ci']),
    advice: 'see the messages of npm above: "npm ci" has to succeed',
  },
  {
    name: 'messages',
    doing: "generating TypeScript from Envoy's .proto files, unless this machine has it",
    isDone: () => existsSync(generated) && stampOf('messages') === protoInputs(),
    run: provideMessages,
    advice: 'remove node_modules and start again; report it if it stays',
  },
  {
    name: 'build',
    doing: 'compiling to dist/',
    isDone: () => process.argv.includes('--no-build') || (existsSync(built) && stampOf('build') === newestSource()),
    run: compile,
    advice: 'correct what the compiler named above',
  },
];

if (Number.parseInt(process.versions.node, 10) < 20) {
  process.stderr.write(`Node.js 20 or newer is needed, this is ${process.versions.node}.\n`);
  process.exit(1);
}
for (const step of steps) prepare(step);

function prepare({ name, doing, isDone, run, advice }) {
  if (isDone()) return;
  const startedAt = Date.now();
  process.stdout.write(`${name}: ${doing} …\n`);
  try {
    run();
  } catch (error) {
    process.stderr.write(`${name}: ${error.message}; ${advice}\n`);
    process.exit(1);
  }
  process.stdout.write(`${name}: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

/** Reports whether node_modules matches the lockfile. Optional packages may be absent on some machines. */
function packagesMatch() {
  const installedFile = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile)) return false;
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(installedFile);
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional === true || installed[path]?.version === entry.version,
  );
}

function packagesOf(lockfile) {
  return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
}

function provideMessages() {
  const inputs = protoInputs();
  if (!restoreMessages(inputs, generated)) {
    generateMessages();
    try {
      storeMessages(inputs, generated);
    } catch (error) {
      process.stdout.write(`messages: not kept for other checkouts: ${error.message}\n`);
    }
  }
  keepStamp('messages', inputs);
}

/** Generates messages in a separate process, because the packages that it loads are installed only now. */
function generateMessages() {
  const script = "(await import('./scripts/generate-protos.mjs')).generateProtos()";
  runOrThrow(process.execPath, ['--input-type=module', '-e', script]);
}

/** Lists the inputs of the generated messages: the list of files and the packages that contain or translate them. */
function protoInputs() {
  const packages = packagesOf(join(root, 'package-lock.json'));
  const hash = createHash('sha256').update(readFileSync(join(root, 'scripts/generate-protos.mjs')));
  for (const name of ['@grpc/grpc-js-xds', '@bufbuild/buf', '@bufbuild/protoc-gen-es']) {
    hash.update(`${name}@${packages[`node_modules/${name}`]?.version}\n`);
  }
  for (const file of filesUnder('protos')) hash.update(readFileSync(file));
  return hash.digest('hex');
}

function compile() {
  // Read before compiling: a file saved meanwhile must be compiled next time.
  const compiled = newestSource();
  runOrThrow(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']);
  for (const file of filesUnder('dist')) {
    const source = file.replace(/\.js(\.map)?$/, '.ts').replace(join(root, 'dist'), root);
    if (source.endsWith('.ts') && !existsSync(source)) rmSync(file);
  }
  keepStamp('build', compiled);
}

/** Returns the time of the newest source and the number of sources, so that a removed file counts as a change. */
function newestSource() {
  const files = [...filesUnder('src'), ...filesUnder('adapters')].filter((file) => !file.startsWith(generated));
  files.push(join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json'), join(root, 'package.json'));
  const newest = Math.max(...files.map((file) => statSync(file).mtimeMs));
  return `${newest} ${files.length}`;
}

function filesUnder(folder) {
  const top = join(root, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function stampOf(name) {
  const file = join(root, '.cache', `${name}.stamp`);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function keepStamp(name, value) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(join(root, '.cache', `${name}.stamp`), value);
}

/** Runs a command with its output on the terminal, because installing takes long. */
function runOrThrow(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ended with status ${status}`);
}
