import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authority } from '../support/certificates.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { freePort } from '../support/ports.ts';

/** A control plane that serves xDS over mTLS, and the files that clients need. */
export interface SecureMesh {
  readonly controlPlane: ControlPlane;
  readonly tlsPort: number;
  readonly ca: ReturnType<typeof authority>;
  /** Files of a client's identity and of the CA that signed the server's certificate. */
  readonly clientFiles: { readonly cert: string; readonly key: string; readonly ca: string };
  /** Writes another certificate and key for the server, with this common name. */
  renew(commonName: string): Promise<void>;
  /** Writes other CAs for clients. */
  trust(ca: string): Promise<void>;
  stop(): Promise<void>;
}

/** The name in the server's certificate. */
export const serverName = 'xds.mesh.test';

export async function startSecureMesh(): Promise<SecureMesh> {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-secure-'));
  const file = (name: string) => join(folder, name);
  const ca = authority();
  const client = ca.issue({ commonName: 'sidecar', uris: ['spiffe://mesh.local/ns/default/sa/client'] });
  const clientFiles = { cert: file('client.pem'), key: file('client.key'), ca: file('ca.pem') };
  await writeFile(clientFiles.cert, client.cert);
  await writeFile(clientFiles.key, client.key);
  await writeFile(clientFiles.ca, ca.cert);
  const trust = (text: string) => writeFile(file('client-ca.pem'), text);
  const renew = async (commonName: string) => {
    const { cert, key } = ca.issue({ commonName, dnsNames: [serverName], ips: ['127.0.0.1'] });
    await writeFile(file('server.pem'), cert);
    await writeFile(file('server.key'), key);
  };
  await trust(ca.cert);
  await renew('first');

  const tlsPort = await freePort();
  const tls = {
    address: `127.0.0.1:${tlsPort}`,
    certFile: file('server.pem'),
    keyFile: file('server.key'),
    clientCaFile: file('client-ca.pem'),
  };
  const plaintext = `127.0.0.1:${await freePort()}`; // the flag of startControlPlane has precedence
  await writeFile(file('binnacle.yaml'), JSON.stringify({ xds: { plaintext, tls } }));
  const controlPlane = await startControlPlane({ args: ['--config', file('binnacle.yaml')] });
  return {
    ...{ controlPlane, tlsPort, ca, clientFiles, renew, trust },
    async stop() {
      await controlPlane.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
