import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { type CliCall, cli } from './cli.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';

/**
 * Starts the real program for the tests of one file, and provides commands that call it. Every test has a separate
 * namespace.
 */
export function cliTests() {
  let controlPlane: ControlPlane;
  let folder: string;
  let namespace: string;
  let tests = 0;
  beforeAll(async () => {
    controlPlane = await startControlPlane();
  });
  afterAll(() => controlPlane?.stop());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'binnacle-cli-'));
    namespace = `test-${++tests}`;
    return () => rm(folder, { recursive: true, force: true });
  });
  const server = () => `http://127.0.0.1:${controlPlane.httpPort}`;
  const run = async (line: string, call: CliCall = {}) => {
    const ran = await cli(line.split(' '), { ...call, env: { BINNACLE_SERVER: server(), ...call.env } });
    // The rules refer to services that do not exist: these tests do not check that.
    return {
      ...ran,
      errors: ran.errors.filter((error) => !/^Warning: .*(no service|no subset|of this sort)/.test(error)),
    };
  };
  const ok = async (line: string, call: CliCall = {}): Promise<string> => {
    const { code, out, errors } = await run(line, call);
    expect({ code, errors }).toEqual({ code: 0, errors: [] });
    return out;
  };
  return {
    get folder() {
      return folder;
    },
    get namespace() {
      return namespace;
    },
    get server() {
      return server();
    },
    /** Runs a command in this process, against the real program. */
    run,
    /** Runs a command that must succeed without output on standard error. Returns its output. */
    ok,
    /** Applies documents to the test's namespace. */
    apply: (text: string) => ok(`apply -n ${namespace} -f -`, { input: text }),
    /** Reads an object, or a list, of the test's namespace. */
    read: async (what: string) => JSON.parse(await ok(`get ${what} -n ${namespace} -o json`)),
    /** Writes a file for the test. Returns its path. */
    async file(name: string, text: string): Promise<string> {
      const path = join(folder, name);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, text);
      return path;
    },
  };
}

/**
 * Splits traffic: `weight` to the first version, the rest to the second. `field` can misspell the weight of the last
 * one.
 */
export const virtualServiceText = (name: string, { weight = 90, field = 'weight', labels = '{}' } = {}) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, labels: ${labels} }
spec:
  hosts: [${name}.test]
  http:
    - route:
        - destination: { host: ${name}.test, subset: v1 }
          weight: ${weight}
        - destination: { host: ${name}.test, subset: v2 }
          ${field}: ${100 - weight}
`;

export const destinationRuleText = (name: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name} }
spec: { host: ${name}.test }
`;

/** A file of several documents. */
export const rules = (...documents: readonly string[]) => documents.join('---');
