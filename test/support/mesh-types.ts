import type { XdsType } from '../../src/proto/resource.ts';

/** Types of which every mesh has resources, in their order. */
export const meshTypes = ['cluster', 'endpoint', 'listener', 'route'] as const satisfies readonly XdsType[];

export type MeshType = (typeof meshTypes)[number];
