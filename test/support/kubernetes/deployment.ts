import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { KubernetesObject, Objects } from './objects.ts';

/** A pod as the kubelet reports it. */
export interface PodState {
  /** Anything but loopback and link-local addresses: the API server refuses those in EndpointSlices. */
  readonly ip: string;
  /** Default: the deployment's name and the address. */
  readonly name?: string;
  /** Default: `node-1`. The Node itself is not written. */
  readonly node?: string;
  readonly zone?: string;
  /** Default: true. */
  readonly ready?: boolean;
  /** True for a pod that was deleted and has not ended yet. */
  readonly terminating?: boolean;
  /** Its container's ports by name, for the services that name their target port. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Labels beside those of the deployment. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Deployment {
  readonly namespace: string;
  /** Also the name of its Service. */
  readonly name: string;
  /** Labels of pods, by which the Service selects. Default: `app` with the name. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  readonly ports: readonly ServicePort[];
  readonly pods: readonly (PodState | string)[];
  /** More of the Service's spec, such as `{ clusterIP: 'None' }`. */
  readonly service?: Readonly<Record<string, unknown>>;
}

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  /** A number, or the name of a container's port. Default: `port`. */
  readonly targetPort?: number | string;
  readonly appProtocol?: string;
}

/**
 * Writes pods with their status, a Service, and EndpointSlices, as controllers and kubelets would leave them. Called
 * again, it changes them to the new state: pods that are not in it are deleted, and one whose address differs is made
 * anew.
 */
export async function applyDeployment(objects: Objects, deployment: Deployment): Promise<void> {
  const pods = deployment.pods.map((pod) => (typeof pod === 'string' ? { ip: pod } : pod));
  const { namespace } = deployment;
  const mine = (object: KubernetesObject) =>
    ((object.metadata.ownerReferences ?? []) as { name: string }[]).some(({ name }) => name === deployment.name); // as written below
  const former = (await objects.list({ apiVersion: 'v1', kind: 'Pod' }, namespace)).filter(mine);

  const [service] = await objects.apply(serviceOf(deployment));
  const written = await Promise.all(pods.map((pod) => writePod(objects, { deployment, pod, former })));
  const slices = slicesOf(deployment, { pods, written, service });
  await objects.apply(...slices);

  const keep = new Set([...written, ...slices].map(({ metadata }) => metadata.name));
  const formerSlices = await objects.list({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' }, namespace);
  const gone = [...formerSlices.filter(mine), ...former].filter(({ metadata }) => !keep.has(metadata.name));
  for (const object of gone) await objects.remove(object);
}

const labelsOf = ({ labels, name }: Deployment) => labels ?? { app: name };
const podNameOf = ({ name }: Deployment, pod: PodState) => pod.name ?? `${name}-${pod.ip.replaceAll(/[.:]/g, '-')}`;

function serviceOf(deployment: Deployment): KubernetesObject {
  const { namespace, name, ports, service = {} } = deployment;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels: labelsOf(deployment) },
    spec: { selector: labelsOf(deployment), ports, ...service },
  };
}

interface PodWrite {
  readonly deployment: Deployment;
  readonly pod: PodState;
  readonly former: readonly KubernetesObject[];
}

async function writePod(objects: Objects, { deployment, pod, former }: PodWrite): Promise<KubernetesObject> {
  const wanted = podOf(deployment, pod);
  const before = former.find(({ metadata }) => metadata.name === wanted.metadata.name);
  if (before !== undefined && ipOf(before) !== pod.ip) await objects.remove(before);
  const [written = wanted] = await objects.apply(wanted);
  // A pod that is bound to a node stays until its kubelet confirms.
  if (pod.terminating === true && written.metadata.deletionTimestamp === undefined) {
    await objects.remove(wanted, { graceSeconds: 30 });
  }
  return written;
}

const ipOf = (pod: KubernetesObject) => (pod.status as { podIP?: string } | undefined)?.podIP; // a pod

function podOf(deployment: Deployment, pod: PodState): KubernetesObject {
  const { namespace, name, annotations = {}, serviceAccount } = deployment;
  const ready = pod.ready ?? true;
  const condition = (type: string, status: boolean) => ({ type, status: status ? 'True' : 'False' });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podNameOf(deployment, pod),
      namespace,
      labels: { ...labelsOf(deployment), ...pod.labels },
      annotations,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: name, controller: true }],
    },
    spec: {
      nodeName: pod.node ?? 'node-1',
      ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
      containers: [
        {
          name: 'app',
          image: 'app',
          ports: Object.entries(pod.ports ?? {}).map(([portName, containerPort]) => ({
            name: portName,
            containerPort,
          })),
        },
      ],
    },
    status: {
      phase: 'Running',
      podIP: pod.ip,
      podIPs: [{ ip: pod.ip }],
      conditions: [condition('PodScheduled', true), condition('Initialized', true), condition('Ready', ready)],
    },
  };
}

interface Written {
  readonly pods: readonly PodState[];
  readonly written: readonly KubernetesObject[];
  readonly service: KubernetesObject | undefined;
}

/**
 * Returns one slice for each address family and each list of ports: pods may use different numbers for one port name.
 */
function slicesOf(deployment: Deployment, { pods, written, service }: Written): readonly KubernetesObject[] {
  const { namespace, name } = deployment;
  const publishNotReady = deployment.service?.publishNotReadyAddresses === true;
  const entries = pods.map((pod, index) => ({
    addressType: isIPv6(pod.ip) ? 'IPv6' : 'IPv4',
    ports: deployment.ports.flatMap((port) => endpointPort(port, pod)),
    endpoint: endpointOf(pod, { pod: written[index], publishNotReady }),
  }));
  const groups = Map.groupBy(entries, ({ addressType, ports }) => JSON.stringify([addressType, ports]));
  return [...groups].map(([key, group]) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${createHash('sha256').update(key).digest('hex').slice(0, 5)}`,
      namespace,
      labels: {
        ...labelsOf(deployment),
        'kubernetes.io/service-name': name,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        ...(deployment.service?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid: service?.metadata.uid, controller: true }],
    },
    addressType: group[0]?.addressType,
    ports: group[0]?.ports,
    endpoints: group.map(({ endpoint }) => endpoint),
  }));
}

/** A pod without the named port has no endpoint there. */
function endpointPort({ name, port, targetPort = port, appProtocol }: ServicePort, pod: PodState) {
  const number = typeof targetPort === 'number' ? targetPort : pod.ports?.[targetPort];
  if (number === undefined) return [];
  return [{ name, port: number, protocol: 'TCP', ...(appProtocol === undefined ? {} : { appProtocol }) }];
}

interface EndpointNeeds {
  readonly pod: KubernetesObject | undefined;
  readonly publishNotReady: boolean;
}

/** The conditions follow the documentation of `EndpointConditions`: `ready` is false while a pod terminates. */
function endpointOf(state: PodState, { pod, publishNotReady }: EndpointNeeds) {
  const serving = state.ready ?? true;
  const terminating = state.terminating ?? false;
  return {
    addresses: [state.ip],
    conditions: { ready: publishNotReady || (serving && !terminating), serving, terminating },
    nodeName: state.node ?? 'node-1',
    ...(state.zone === undefined ? {} : { zone: state.zone }),
    targetRef: { kind: 'Pod', namespace: pod?.metadata.namespace, name: pod?.metadata.name, uid: pod?.metadata.uid },
  };
}
