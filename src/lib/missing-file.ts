/** Whether an error of `node:fs` says that there is no such file or folder. */
export const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
