import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Authority, authority } from '../certificates.ts';

/** Credentials of an API server and its clients. The server reads its part from files in `dir`. */
export interface Credentials {
  readonly dir: string;
  /** Issues the server's certificate, and is trusted to issue those of clients: common name = user, organisation = group. */
  readonly authority: Authority;
  /** Token of a user in the group `system:masters`, which has all rights. */
  readonly adminToken: string;
  /** Token of the user `viewer`, who has no rights until some are granted. */
  readonly viewerToken: string;
}

export async function writeCredentials(dir: string): Promise<Credentials> {
  await mkdir(dir, { recursive: true });
  const issuer = authority('test cluster');
  const server = issuer.issue({
    commonName: 'kube-apiserver',
    dnsNames: ['localhost', 'kubernetes.default.svc'],
    ips: ['127.0.0.1', '10.96.0.1'],
  });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const credentials = { dir, authority: issuer, adminToken: 'admin-token', viewerToken: 'viewer-token' };
  const files = {
    'ca.crt': issuer.cert,
    'tls.crt': server.cert,
    'tls.key': server.key,
    'sa.key': privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    'tokens.csv': `${credentials.adminToken},admin,admin,system:masters\n${credentials.viewerToken},viewer,viewer\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  return credentials;
}

/** Returns a kubeconfig with everything in it: no file is needed beside it. */
export function kubeconfigOf({ url, ca, token }: { url: string; ca: string; token: string }): string {
  const name = 'test';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
