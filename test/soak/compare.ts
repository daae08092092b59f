import { isDeepStrictEqual } from 'node:util';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { meshTypes } from '../support/mesh-types.ts';
import { type ClientState, SoakClient } from './clients/client.ts';
import { createApi } from './load/api.ts';
import { addressAt, namespaces } from './load/mesh.ts';
import { readRegistry, registerAgain } from './load/registry.ts';
import { readRules, writeRulesAgain } from './load/rules.ts';

/**
 * Compares clients that were connected throughout with one that connects now. Resolves with the differences once they
 * have not changed for some time.
 */
export async function differencesFromNew(
  { xdsPort, httpPort }: Pick<ControlPlane, 'xdsPort' | 'httpPort'>,
  followers: readonly SoakClient[],
): Promise<readonly string[]> {
  const spared = await readSpared(httpPort);
  const pairs = followers.map((old) => ({ old, fresh: view(xdsPort, old.options) }));
  const differ = () =>
    pairs.flatMap(({ old, fresh }) =>
      differences(`${old.options.mode} client ${old.options.nodeId}`, fresh.has, old.has, spared),
    );
  return agreed(
    differ,
    pairs.map(({ fresh }) => fresh),
  );
}

/** Compares with a control plane that starts now with equal services and rules. */
export async function differencesFromFresh(soaked: ControlPlane): Promise<readonly string[]> {
  const fresh = await startControlPlane({ args: ['--log-level', 'warn'] });
  try {
    const [from, to] = [createApi(soaked.httpPort), createApi(fresh.httpPort)];
    await registerAgain(to, await readRegistry(from));
    await writeRulesAgain(to, await readRules(from));
    const pairs = viewers().map((viewer) => {
      const [want, has] = [fresh, soaked].map(({ xdsPort }) => view(xdsPort, viewer)) as [SoakClient, SoakClient]; // of two
      return { viewer, want, has };
    });
    const spared = await readSpared(soaked.httpPort);
    const differ = () =>
      pairs.flatMap(({ viewer, want, has }) => differences(viewer.nodeId, want.has, has.has, spared));
    return await agreed(
      differ,
      pairs.flatMap(({ want, has }) => [want, has]),
    );
  } finally {
    await fresh.stop();
  }
}

/** Plain sidecars of every namespace, and those of a few workloads. */
function viewers() {
  return namespaces.flatMap((namespace) =>
    ['10.201.0.1', addressAt(0, 0), addressAt(1, 1), addressAt(2, 0)].map((address, index) => ({
      nodeId: `sidecar~${address}~viewer.${namespace}~${namespace}.svc.cluster.local`,
      labels: { version: index % 2 === 0 ? 'v1' : 'v2' },
    })),
  );
}

type Viewer = Pick<SoakClient['options'], 'nodeId' | 'labels'>;

const view = (port: number, { nodeId, labels }: Viewer): SoakClient =>
  new SoakClient({
    ...{ port, mode: 'delta', nodeId, labels, behaviour: 'accepts', only: null },
    judge: () => null,
    surprised: () => {},
  });

/** Waits until there are no differences and all clients have resources, or until time is up. */
async function agreed(differ: () => readonly string[], opened: readonly SoakClient[]): Promise<readonly string[]> {
  try {
    const isQuiet = quietFor(1_000, opened);
    await eventually(() => isQuiet() && differ().length === 0, {
      what: 'the same at all of them',
      timeoutMs: 20_000,
      everyMs: 100,
    });
    return [];
  } catch {
    return differ().slice(0, 10);
  } finally {
    await Promise.all(opened.map((client) => client.leave('cancel')));
  }
}

function quietFor(ms: number, clients: readonly SoakClient[]): () => boolean {
  let [seen, sinceMs] = [-1, performance.now()];
  return () => {
    const responses = clients.reduce((sum, client) => sum + client.responses, 0);
    if (responses !== seen) [seen, sinceMs] = [responses, performance.now()];
    return responses > 0 && performance.now() - sinceMs > ms;
  };
}

/**
 * Reads the resources that clients rejected and none has accepted: new clients do not receive them (ADR 16). Without a
 * cluster, its assignment is missing, too.
 */
async function readSpared(httpPort: number): Promise<ReadonlySet<string>> {
  const { body } = await get(httpPort, { path: '/debug/quarantinez' });
  const findings = JSON.parse(body) as readonly { resource: string; takenByKinds: readonly string[] }[]; // documented in docs/operations.md
  return new Set(findings.filter(({ takenByKinds }) => takenByKinds.length === 0).map(({ resource }) => resource));
}

function differences(who: string, want: ClientState, has: ClientState, spared: ReadonlySet<string>): readonly string[] {
  return meshTypes.flatMap((type) => {
    const names = new Set([...want[type].keys(), ...has[type].keys()]).difference(spared);
    const wrong = [...names].filter(
      (name) => !isDeepStrictEqual(want[type].get(name)?.content, has[type].get(name)?.content),
    );
    if (wrong.length === 0) return [];
    const shown = wrong.slice(0, 3).map((name) => {
      const [wanted, found] = [want[type].get(name)?.content.mark, has[type].get(name)?.content.mark];
      return `${name} (${found ?? 'missing'}, want ${wanted ?? 'none'})`;
    });
    return [`${who}: ${wrong.length} of ${want[type].size} ${type} differ: ${shown.join(', ')}`];
  });
}
