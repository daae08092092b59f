import type { RuleKind } from '../rule.ts';
import { authorizationPolicy } from './authorization-policy/index.ts';
import { destinationRule } from './destination-rule/index.ts';
import { envoyFilter } from './envoy-filter/index.ts';
import { gateway } from './gateway/index.ts';
import { meshConfig } from './mesh-config/index.ts';
import { namespace } from './namespace/index.ts';
import { peerAuthentication } from './peer-authentication/index.ts';
import { proxyConfig } from './proxy-config/index.ts';
import { requestAuthentication } from './request-authentication/index.ts';
import { serviceEntry } from './service-entry/index.ts';
import { sidecar } from './sidecar/index.ts';
import { telemetry } from './telemetry/index.ts';
import { trafficExtension } from './traffic-extension/index.ts';
import { virtualService } from './virtual-service/index.ts';
import { wasmPlugin } from './wasm-plugin/index.ts';
import { workloadEntry } from './workload-entry/index.ts';
import { workloadGroup } from './workload-group/index.ts';

/** The kinds of rules. Lists for people have this order. */
export const ruleKinds: readonly RuleKind[] = [
  virtualService,
  destinationRule,
  sidecar,
  serviceEntry,
  workloadEntry,
  workloadGroup,
  gateway,
  envoyFilter,
  proxyConfig,
  peerAuthentication,
  requestAuthentication,
  authorizationPolicy,
  telemetry,
  wasmPlugin,
  trafficExtension,
];

/** Every kind that the rules API serves: the rules, the mesh configuration and namespaces. */
export const servedKinds: readonly RuleKind[] = [...ruleKinds, meshConfig, namespace];
