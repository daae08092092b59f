import { covers } from '../model/names.ts';
import type { Service } from '../model/service.ts';

/** Builds a test for patterns: a namespace, which may end in `*`, a slash, and a hostname or wildcard. */
export const servicePatterns =
  (patterns: readonly string[]) =>
  ({ namespace, hostname }: Pick<Service, 'namespace' | 'hostname'>): boolean =>
    patterns.some((pattern) => {
      const [place = '', host = ''] = pattern.split('/');
      const isHere = place.endsWith('*') ? namespace.startsWith(place.slice(0, -1)) : namespace === place;
      return isHere && covers(host.toLowerCase(), hostname);
    });
