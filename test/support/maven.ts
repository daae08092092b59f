import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { releaseLock, takeLock } from './lock.ts';
import type { ProgramPart } from './parts.ts';

const execute = promisify(execFile);

const classPathGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath';
const installMs = 900_000;

/**
 * Java libraries of a folder's pom.xml, with the compiled Java sources of that folder. The part's program is a file with
 * the class path: one entry a line, relative to that file, in Maven's order. `javaArguments` reads it.
 */
export function mavenPart(name: string, folder: string): Omit<ProgramPart, 'version'> {
  return {
    name,
    tools: ['mvn', 'java', 'javac'],
    advice: 'install a JDK 17 or newer and Maven',
    program: 'classpath',
    installMs,
    async install(into) {
      const jars = await resolveJars(folder, into);
      await mkdir(join(into, 'lib'));
      const copies = jars.map((jar, index) => join('lib', `${String(index).padStart(3, '0')}-${basename(jar)}`));
      for (const [index, jar] of jars.entries()) await copyFile(jar, join(into, copies[index] ?? ''));
      await compile(folder, { into, libraries: copies });
      await writeFile(join(into, 'classpath'), ['classes', ...copies].join('\n'));
    },
  };
}

/** Returns the sources of a Maven part, whose hash is its version. */
export const mavenSources = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((file) => file === 'pom.xml' || file.endsWith('.java'))
    .sort();

/** Lets Maven download the libraries. Only one Maven at a time: its local repository takes no two writers. */
async function resolveJars(folder: string, into: string): Promise<readonly string[]> {
  const list = join(into, 'jars');
  const lock = join(dirname(into), 'maven.lock');
  await eventually(() => takeLock(lock), {
    what: `no other process runs Maven (remove ${lock} if there is none)`,
    timeoutMs: installMs,
    everyMs: 200,
  });
  try {
    const goal = [classPathGoal, `-Dmdep.outputFile=${list}`, '-Dmdep.includeScope=runtime'];
    await execute('mvn', ['-q', '-B', '-f', join(folder, 'pom.xml'), ...goal], { cwd: into });
  } finally {
    await releaseLock(lock);
  }
  const jars = (await readFile(list, 'utf8')).trim().split(delimiter);
  await rm(list);
  return jars;
}

async function compile(
  folder: string,
  { into, libraries }: { into: string; libraries: readonly string[] },
): Promise<void> {
  const sources = readdirSync(folder).filter((file) => file.endsWith('.java'));
  await mkdir(join(into, 'classes'));
  if (sources.length === 0) return;
  const files = sources.map((file) => join(folder, file));
  const flags = ['-nowarn', '-proc:none', '-d', 'classes', '-cp', libraries.join(delimiter)];
  await execute('javac', [...flags, ...files], { cwd: into });
}

export interface JavaProgram {
  /** Fully qualified name of the class with `main`. */
  readonly main: string;
  /** Flags of `java`. A small heap and the quick compiler are set already. */
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
}

/** Returns the arguments of `java` that run a class of a Maven part, given its class path file. */
export function javaArguments(classPathFile: string, { main, flags = [], args = [] }: JavaProgram): readonly string[] {
  const entries = readFileSync(classPathFile, 'utf8').split('\n');
  const classPath = entries.map((entry) => join(dirname(classPathFile), entry)).join(delimiter);
  return ['-Xmx192m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...flags, '-cp', classPath, main, ...args];
}
