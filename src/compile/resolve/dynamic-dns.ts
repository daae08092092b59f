import { dynamicDnsFilter, type HttpFilterPlan } from '../../plan/http-filters.ts';
import type { ListenerTraffic } from '../../plan/listener.ts';
import { reachableFamilies } from './destinations.ts';
import type { ServiceContext } from './routes.ts';

type TcpTraffic = Extract<ListenerTraffic, { type: 'tcp' }>;

/** Returns the filters that a port of a service needs besides those of every port. */
export const dynamicDnsFilters = ({ service, reader }: ServiceContext): readonly HttpFilterPlan[] =>
  service.resolution === 'dynamic-dns' ? [dynamicDnsFilter.of({ families: reachableFamilies(reader) })] : [];

/** Returns the lookup of server names that connections to a port need. */
export const serverNameLookup = ({ service, reader }: ServiceContext, port: number): Pick<TcpTraffic, 'lookup'> =>
  service.resolution === 'dynamic-dns' ? { lookup: { families: reachableFamilies(reader), port } } : {};
