// Run this after `npm install` has changed package-lock.json. Packages with native code list one optional package per
// platform. If the registry in use lacks some of them, npm omits these from the lockfile, and `npm ci` then rejects it.
// This script adds them, with the platform in their names, so that npm skips them elsewhere.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = { arm64: 'arm64', x64: 'x64', ia32: 'ia32', ppc64: 'ppc64', riscv64: 'riscv64', s390x: 's390x' };

const file = join(dirname(fileURLToPath(import.meta.url)), '../package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = missingPackages(lock.packages);
for (const [path, entry] of added) lock.packages[path] = entry;
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added.length} packages of other platforms added to package-lock.json\n`);

/** Returns entries for optional packages that a package names and the lockfile lacks. */
function missingPackages(packages) {
  return Object.values(packages).flatMap(({ optionalDependencies = {}, dev }) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => packages[`node_modules/${name}`] === undefined)
      .map(([name, version]) => [
        `node_modules/${name}`,
        { version: version.replace(/^[^\d]+/, ''), ...platformOf(name), ...(dev ? { dev } : {}), optional: true },
      ]),
  );
}

/**
 * Parses the platform of a name: `@swc/core-linux-arm-gnueabihf` → Linux, 32-bit ARM, glibc. Throws if there is none.
 */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = words.find((word) => systems.includes(word));
  const cpu = words.some((word) => /^arm(v\d+)?$/.test(word))
    ? 'arm'
    : processors[words.find((word) => word in processors)];
  if (os === undefined || cpu === undefined)
    throw new Error(`${name} names no platform: add it to the lockfile by hand`);
  const libc = /-musl/.test(name) ? 'musl' : os === 'linux' && /-gnu/.test(name) ? 'glibc' : undefined;
  return { cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }), os: [os] };
}
