import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const script = join(import.meta.dirname, '../../../deploy/capture.sh');

/** Runs deploy/capture.sh as `user`, with `tools` as the only other programs in PATH. */
async function capture(args: string, { user, tools }: { user?: number; tools?: readonly string[] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-script-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  if (user !== undefined) {
    await writeFile(join(folder, 'id'), `#!/bin/sh\necho ${user}\n`);
    await chmod(join(folder, 'id'), 0o755);
  }
  for (const tool of tools ?? []) await symlink(await where(tool), join(folder, tool));
  const PATH = tools === undefined ? `${folder}:${process.env.PATH}` : folder;
  return new Promise<{ code: number; out: string; errors: string }>((resolve) => {
    execFile('/bin/sh', [script, ...args.split(' ').filter(Boolean)], { env: { PATH } }, (error, out, errors) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, errors }),
    );
  });
}

const where = (tool: string): Promise<string> =>
  new Promise((resolve, reject) =>
    execFile('/bin/sh', ['-c', `command -v ${tool}`], (error, path) => (error ? reject(error) : resolve(path.trim()))),
  );

const lines = (text: string) => text.split('\n').map((line) => line.trim());

describe('capture.sh print', () => {
  it('shows rules for both address families, each with its own options', async () => {
    const options = '--exclude-inbound-ports 9100,9200-9210 --exclude-outbound-ports 25';
    const ranges = '--include-outbound-ranges 10.0.0.0/8,fd00::/8 --exclude-outbound-ranges 10.9.0.0/16';
    const { out } = await capture(`print --backend nft --ipv6 on ${options} ${ranges}`);
    const [v4 = '', v6 = ''] = out.split('table ip6');
    expect(lines(v4)).toEqual(
      expect.arrayContaining([
        ...['tcp dport 22 return', 'tcp dport 9100 return', 'tcp dport 9200-9210 return', 'tcp dport 25 return'],
        ...['ip daddr 10.9.0.0/16 return', 'ip daddr 10.0.0.0/8 goto to_outbound'],
      ]),
    );
    expect(lines(v6)).toContain('ip6 daddr fd00::/8 goto to_outbound');
    expect(v6).not.toContain('10.9.0.0');
    expect(v4).not.toContain('fd00');
    expect(v4).not.toMatch(/^ *goto to_outbound/m); // excluded addresses are not captured
  });

  it('shows equal rules for iptables', async () => {
    const { out } = await capture('print --backend iptables --ipv6 off --uid 0 --exclude-inbound-ports 9200-9210');
    expect(lines(out)).toEqual(
      expect.arrayContaining([
        '-A BINNACLE_PREROUTING -p tcp --dport 9200:9210 -j RETURN',
        '-A BINNACLE_PREROUTING -p tcp -j REDIRECT --to-ports 15006',
        '-A BINNACLE_OUTPUT -m owner --uid-owner 0 -j RETURN',
        '-A BINNACLE_OUTPUT -p tcp -j REDIRECT --to-ports 15001',
      ]),
    );
  });
});

describe('capture.sh rejects', () => {
  it('users other than root', async () => {
    expect(await capture('install', { user: 1000 })).toMatchObject({
      code: 2,
      errors: expect.stringContaining('must run as root'),
    });
  });

  const tools = ['grep', 'tr', 'cut', 'cat', 'sed', 'head', 'cksum', 'awk'];
  for (const { options, says } of [
    { options: '', says: 'install the package nftables, or iptables' },
    { options: '--backend nft', says: 'nft is missing: install the package nftables' },
  ]) {
    it(`missing tools: install ${options}`, async () => {
      expect(await capture(`install ${options}`, { user: 0, tools })).toMatchObject({
        code: 2,
        errors: expect.stringContaining(says),
      });
    });
  }

  for (const { args, says } of [
    { args: '', says: 'usage:' },
    { args: 'print --colour red', says: 'unknown option --colour' },
    { args: 'print --uid', says: '--uid: a value is missing' },
    { args: 'print --uid nobody-of-this-name', says: '--uid: there is no "nobody-of-this-name"' },
    { args: 'print --mode both', says: '--mode must be redirect or tproxy, not "both"' },
    { args: 'print --exclude-inbound-ports 0', says: '"0": ports are 1 to 65535' },
    { args: 'print --exclude-inbound-ports 80,x', says: '"x" is no port' },
    { args: 'print --include-outbound-ranges here', says: '"here" is no address' },
    { args: 'print --exclude-outbound-ranges 10.0.0.0/8;reboot', says: 'is no address' },
  ]) {
    it(`capture.sh ${args}`, async () => {
      expect(await capture(args)).toMatchObject({ code: 2, errors: expect.stringContaining(says), out: '' });
    });
  }
});
