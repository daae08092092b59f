import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { partProgram } from '../support/parts.ts';
import { createNetwork } from './namespaces.ts';

const execute = promisify(execFile);
const listed = async () => (await execute('ip', ['netns', 'list'])).stdout;

describeWith(['packetFilter'], 'namespaces for tests', () => {
  it('are removed, also those of a killed test when the next one starts', async () => {
    const gone = spawnSync('true').pid; // has ended
    await execute('ip', ['netns', 'add', `bn${gone}-left`]);
    const network = await createNetwork(['hub', 'other']);
    const made = await listed();
    expect(made).not.toContain(`bn${gone}-left`);
    expect(made).toContain(`bn${process.pid}-other`);
    await network.delete();
    expect(await listed()).not.toContain(`bn${process.pid}-`);
  });
});

describeWith(['shellcheck'], 'deploy/capture.sh', () => {
  it('passes shellcheck', async () => {
    const script = join(import.meta.dirname, '../../deploy/capture.sh');
    const checked = spawnSync(await partProgram('shellcheck'), [script], { encoding: 'utf8' });
    expect(checked.stdout).toBe('');
    expect(checked.status).toBe(0);
  });
});
