import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'server');
const sources = [
  'go.mod',
  'go.sum',
  'etcd/main.go',
  'kube-apiserver/main.go',
  'parent/parent.go',
  'parent/parent_linux.go',
];

/** Returns a hash of what the servers are built from: go.sum has the hashes of all modules. */
export function kubernetesVersion(): string {
  const hash = createHash('sha256');
  for (const file of sources) hash.update(file).update(readFileSync(join(folder, file)));
  return hash.digest('hex').slice(0, 12);
}

/**
 * Builds etcd and kube-apiserver into a folder. Without Go's own cache it takes seven minutes of CPU, so it prints how
 * far it is.
 */
export async function buildKubernetes(into: string): Promise<void> {
  const startedAt = Date.now();
  let packages = 0;
  const print = (text: string) => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    process.stdout.write(`kubernetes: ${text} (${seconds} s)\n`);
  };
  print('building kube-apiserver and etcd, once per version; some 2,000 packages');
  const ticking = setInterval(() => print(`${packages} packages compiled`), 30_000);
  try {
    await build(into, (lines) => {
      packages += lines;
    });
    print('built');
  } finally {
    clearInterval(ticking);
  }
}

const release = readFileSync(join(folder, 'go.mod'), 'utf8').match(/k8s\.io\/kubernetes v(\d+)\.(\d+)\.\d+/);
const version = 'k8s.io/component-base/version';

function build(into: string, progress: (lines: number) => void): Promise<void> {
  const [text = '', major = '', minor = ''] = release ?? [];
  const named = { gitVersion: text.split(' ')[1], gitMajor: major, gitMinor: minor };
  const flags = [
    '-s',
    '-w',
    ...Object.entries(named).flatMap(([name, value]) => ['-X', `${version}.${name}=${value}`]),
  ];
  const args = [
    'build',
    '-v',
    '-trimpath',
    '-ldflags',
    flags.join(' '),
    '-o',
    `${into}/`,
    './etcd',
    './kube-apiserver',
  ];
  return new Promise((resolve, reject) => {
    const go = spawn('go', args, {
      cwd: folder,
      env: { ...process.env, CGO_ENABLED: '0' },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let output = '';
    go.stderr.setEncoding('utf8').on('data', (printed: string) => {
      output += printed;
      progress(printed.split('\n').length - 1);
    });
    const interrupt = () => go.kill('SIGINT'); // it ends its compilers then
    process.once('exit', interrupt);
    go.on('exit', () => process.off('exit', interrupt));
    go.on('error', reject);
    go.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`go build: ${code}\n${output.slice(-2000)}`))));
  });
}
