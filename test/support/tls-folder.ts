import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authority, type Identity } from './certificates.ts';

/** Folder with PEM files for a server at 127.0.0.1 and its clients. All are of one CA. */
export interface TlsFolder {
  readonly caFile: string;
  readonly server: TlsFiles;
  readonly client: TlsFiles;
  /** CA of nobody. */
  readonly otherCaFile: string;
  readonly identity: Identity & { readonly ca: string };
  delete(): Promise<void>;
}

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Key and certificate in one file, as Java reads them. */
  readonly bothFile: string;
}

export async function createTlsFolder(): Promise<TlsFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-tls-'));
  const [ca, other] = [authority('registry CA'), authority('other CA')];
  const server = ca.issue({ commonName: 'registry', ips: ['127.0.0.1'], dnsNames: ['registry.example'] });
  const client = ca.issue({ commonName: 'binnacle' });

  async function write(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }
  const files = async (name: string, { cert, key }: Identity): Promise<TlsFiles> => ({
    certFile: await write(`${name}-cert.pem`, cert),
    keyFile: await write(`${name}-key.pem`, key),
    bothFile: await write(`${name}-both.pem`, `${key}\n${cert}`),
  });
  return {
    caFile: await write('ca.pem', ca.cert),
    otherCaFile: await write('other.pem', other.cert),
    server: await files('server', server),
    client: await files('client', client),
    identity: { ...client, ca: ca.cert },
    delete: () => rm(folder, { recursive: true, force: true }),
  };
}
