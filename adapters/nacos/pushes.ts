import { fuzzyChange, fuzzySync, type ServiceInfo, serviceInfo, servicePush } from './messages.ts';
import { type NacosService, parseNameKey } from './names.ts';
import type { Payload } from './payload.ts';

/** Message that a server sends by itself. */
export type Push =
  | { readonly type: 'service'; readonly name: NacosService; readonly info: ServiceInfo }
  /** New names. `isComplete`: all that there were when the watch began have been told. */
  | { readonly type: 'names'; readonly added: readonly NacosService[]; readonly isComplete: boolean }
  | { readonly type: 'unknown' };

const unknown: Push = { type: 'unknown' };

/** Reads a push. `namespace` is that of the connection, because pushes of services do not tell it. */
export function readPush(type: string, body: Payload['body'], namespace: string): Push {
  switch (type) {
    case 'NotifySubscriberRequest': {
      const push = servicePush.safeParse(body);
      if (!push.success) return unknown;
      const { serviceInfo: service } = push.data;
      const info = serviceInfo.safeParse(service);
      return info.success ? { type: 'service', name: pushedName(service, namespace), info: info.data } : unknown;
    }
    case 'NamingFuzzyWatchSyncRequest': {
      const sync = fuzzySync.safeParse(body);
      if (!sync.success) return unknown;
      const { contexts, syncType } = sync.data;
      const isComplete = syncType === 'FINISH_FUZZY_WATCH_INIT_NOTIFY';
      return { type: 'names', added: (contexts ?? []).flatMap((one) => addedName(one, namespace)), isComplete };
    }
    case 'NamingFuzzyWatchChangeNotifyRequest': {
      const change = fuzzyChange.safeParse(body);
      return change.success ? { type: 'names', added: addedName(change.data, namespace), isComplete: false } : unknown;
    }
    default:
      return unknown;
  }
}

/** Ignores removals: a removed service stays, empty, until the server no longer lists it. */
function addedName({ serviceKey, changedType }: { serviceKey: string; changedType: string }, namespace: string) {
  const name = parseNameKey(serviceKey);
  return changedType === 'ADD_SERVICE' && name?.namespace === namespace ? [name] : [];
}

/** Returns the name of a service that may have its group before it. */
function pushedName(service: { name: string; groupName?: string | null | undefined }, namespace: string): NacosService {
  const { name, groupName: group } = service;
  if (!group) return parseNameKey(`${namespace}@@${name}`) ?? { namespace, group: '', name };
  return { namespace, group, name: name.startsWith(`${group}@@`) ? name.slice(group.length + 2) : name };
}
