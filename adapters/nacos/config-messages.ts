import { z } from 'zod';

/** Name of a configuration of Nacos within its namespace. */
export interface ConfigKey {
  readonly group: string;
  readonly dataId: string;
}

/** Builds a name that is unique within a namespace. A group has no `@@`. */
export const configKeyText = ({ group, dataId }: ConfigKey): string => `${group}@@${dataId}`;

/** Answer to `ConfigQueryRequest`. `md5` is absent on old servers. */
export const configContent = z.object({ content: z.string().nullish(), md5: z.string().nullish() });

/** Answer to `ConfigBatchListenRequest`: the configurations whose checksum differs from that of the client. */
export const changedConfigs = z.object({
  changedConfigs: z.array(z.object({ group: z.string(), dataId: z.string() })).nullish(),
});

/** `ConfigChangeNotifyRequest`: a configuration was written or removed. */
export const configNotice = z.object({ group: z.string(), dataId: z.string() });

/** Error codes of a query. */
export const configErrors = { notFound: 300, isBeingWritten: 400 } as const;

/** Returns the namespace as the configuration's protocol writes it: the first one is an empty text on 2.x. */
export const tenantOf = (namespace: string): string => (namespace === 'public' ? '' : namespace);
