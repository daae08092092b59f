// Run after `npm install` has changed package-lock.json. Packages with native code list one optional package for each
// platform; where the registry in use does not have all of them, npm leaves the others out of the lockfile, and then
// `npm ci` refuses it everywhere. This adds them, with the platform that their names tell, so that npm skips them elsewhere.
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

/** Entries for optional packages that a package names and the lockfile does not have. */
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

/** `@swc/core-linux-arm-gnueabihf` → Linux, 32-bit ARM, glibc. Throws for a name that tells no platform. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = words.find((word) => systems.includes(word));
  const cpu = words.some((word) => /^arm(v\d+)?$/.test(word))
    ? 'arm'
    : processors[words.find((word) => word in processors)];
  if (os === undefined || cpu === undefined)
    throw new Error(`${name} tells no platform: add it to the lockfile by hand`);
  const libc = /-musl/.test(name) ? 'musl' : os === 'linux' && /-gnu/.test(name) ? 'glibc' : undefined;
  return { cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }), os: [os] };
}
