import type { ClientKind } from '../model/proxy.ts';
import type { Dialect } from './dialect.ts';
import { envoy } from './envoy/index.ts';
import { grpc } from './grpc/index.ts';
import { mosn } from './mosn/index.ts';

export type Dialects = Readonly<Record<ClientKind, Dialect>>;

export const dialects: Dialects = { envoy, mosn, grpc };
