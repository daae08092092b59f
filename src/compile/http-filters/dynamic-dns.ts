import { dynamicDnsFilter } from '../../plan/http-filters.ts';
import { dnsCache } from '../generators/dns.ts';
import { extension } from '../generators/json.ts';
import { httpFilterKind } from './kind.ts';

export const dynamicDns = httpFilterKind(dynamicDnsFilter, {
  write: ({ families }) =>
    extension('envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig', {
      dnsCacheConfig: dnsCache(families),
    }),
});
