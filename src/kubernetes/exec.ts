import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { ClusterAccess, ExecCommand } from './kubeconfig.ts';

const run = promisify(execFile);

const credentialSchema = z.object({
  status: z.object({
    token: z.string().nullish(),
    clientCertificateData: z.string().nullish(),
    clientKeyData: z.string().nullish(),
    expirationTimestamp: z.string().nullish(),
  }),
});

/** ClusterCredentials that a command printed. */
export interface ExecCredential {
  readonly token: string | null;
  readonly clientCert: string | null;
  readonly clientKey: string | null;
  /** Milliseconds since the Unix epoch; null if they do not expire. */
  readonly expiresAtMs: number | null;
}

const timeoutMs = 60_000;

/** Runs a credential command. Rejects if it fails, prints no `ExecCredential`, or takes longer than a minute. */
export async function runExec(
  exec: ExecCommand,
  access: ClusterAccess,
  caData: string | null,
): Promise<ExecCredential> {
  const { status } = credentialSchema.parse(JSON.parse(await outputOf(exec, access, caData)));
  return {
    token: status.token ?? null,
    clientCert: status.clientCertificateData ?? null,
    clientKey: status.clientKeyData ?? null,
    expiresAtMs: status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : null,
  };
}

async function outputOf(exec: ExecCommand, access: ClusterAccess, caData: string | null): Promise<string> {
  const env = { ...process.env, ...exec.env, KUBERNETES_EXEC_INFO: execInfo(exec, access, caData) };
  try {
    return (await run(exec.command, [...exec.args], { env, timeout: timeoutMs })).stdout;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.trim() : String(cause);
    const hint = exec.installHint === null ? '' : `; ${exec.installHint.trim()}`;
    throw new Error(`the command '${exec.command}' of the kubeconfig failed: ${why}${hint}`, { cause });
  }
}

const execInfo = (
  { apiVersion, provideClusterInfo }: ExecCommand,
  { server, tlsServerName, skipTlsVerify }: ClusterAccess,
  caData: string | null,
): string => {
  const cluster = {
    server,
    'tls-server-name': tlsServerName ?? undefined,
    'insecure-skip-tls-verify': skipTlsVerify || undefined,
    'certificate-authority-data': caData === null ? undefined : Buffer.from(caData).toString('base64'),
  };
  const spec = { interactive: false, ...(provideClusterInfo ? { cluster } : {}) };
  return JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
};
