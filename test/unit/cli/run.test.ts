import { describe, expect, it } from 'vitest';
import { bootstrapCommand } from '../../../src/cli/bootstrap.ts';
import { runCli } from '../../../src/cli/run.ts';
import { serveCommand } from '../../../src/cli/serve.ts';
import { versionCommand } from '../../../src/cli/version.ts';
import { MeshError } from '../../../src/lib/errors.ts';
import type { ServeConfig } from '../../../src/serve/config.ts';
import { cliWorld } from '../../support/cli.ts';

async function run(argv: readonly string[], serve: (config: ServeConfig) => Promise<void> = async () => {}) {
  const { context, out, errors } = cliWorld();
  const code = await runCli(argv, [serveCommand(serve), bootstrapCommand, versionCommand], context);
  return { code, out: out(), errors };
}

describe('the command line', () => {
  for (const argv of [[], ['help'], ['--help']]) {
    it(`lists the commands on "${argv.join(' ')}"`, async () => {
      const { code, out } = await run(argv);
      expect(code).toBe(0);
      expect(out).toMatch(/serve +run the control plane\n +bootstrap/);
    });
  }

  for (const argv of [
    ['help', 'serve'],
    ['serve', '--help'],
    ['serve', '--http', 'x', '--help'],
  ]) {
    it(`explains a command on "${argv.join(' ')}"`, async () => {
      const { code, out } = await run(argv);
      expect(code).toBe(0);
      expect(out).toContain('--data-dir DIR');
    });
  }

  for (const argv of [['version'], ['--version'], ['serve', '--version']]) {
    it(`prints the version on "${argv.join(' ')}"`, async () => {
      expect(await run(argv)).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), errors: [] });
    });
  }

  it('serves with the configuration', async () => {
    const served: ServeConfig[] = [];
    const { code } = await run(['serve', '--http', '127.0.0.1:9'], async (config) => {
      served.push(config);
    });
    expect(code).toBe(0);
    expect(served).toMatchObject([{ http: { address: { host: '127.0.0.1', port: 9 } } }]);
  });

  it('suggests the command that was probably meant', async () => {
    const { code, errors } = await run(['serv']);
    expect(code).toBe(2);
    expect(errors).toEqual(['binnacle: CONFIG_INVALID: unknown command "serv" (did you mean "serve"?)']);
  });

  it('ends with one line that names the remedy', async () => {
    const { code, errors } = await run(['serve'], async () => {
      throw new MeshError('PORT_TAKEN', 'port 8080 is taken:\n  stop the other process', { cause: new Error('x') });
    });
    expect(code).toBe(1);
    expect(errors).toEqual(['binnacle: PORT_TAKEN: port 8080 is taken: stop the other process']);
  });

  it('shows the stack and its causes at log level debug', async () => {
    const { errors } = await run(['serve', '--log-level', 'debug'], async () => {
      throw new MeshError('PORT_TAKEN', 'taken', { cause: new Error('EADDRINUSE') });
    });
    expect(errors[1]).toMatch(/at .*\ncaused by Error: EADDRINUSE/s);
  });

  it('reports a bug as one', async () => {
    const { code, errors } = await run(['serve'], async () => {
      throw new TypeError('x is undefined');
    });
    expect(code).toBe(1);
    expect(errors).toEqual([expect.stringContaining('unexpected error: x is undefined (please report it')]);
  });
});
