import type { ServeConfig } from './config.ts';

/** Builds the start message for people: the served addresses and the first commands to try. */
export function announcement(
  config: ServeConfig,
  { web, xds, xdsTls }: { readonly web: string; readonly xds: string; readonly xdsTls: string | null },
): string {
  const names = config.adapters.map(({ name, type }) => (name === type ? name : `${name} (${type})`)).join(', ');
  return `
binnacle serves
  sidecars (xDS)   ${xds}${xdsTls === null ? '' : `, ${xdsTls} with TLS`}
  rules, debug     ${web}
  adapters         ${names}
  data             ${config.dataDir}

next
  curl ${web}/                     what there is
  curl ${web}/debug/registryz      services, as sidecars will know them
  curl ${web}/debug/configz        rules in effect
  node bin/binnacle.mjs bootstrap --mode none --ip 10.0.0.1 --xds ${xds} > envoy.yaml
                                                   a configuration to start Envoy with
`;
}
