import type { LazyCommand } from './command.ts';

/** All commands, in the order of the overview. Each is loaded on use: `get` does not load the server. */
export const commands: readonly LazyCommand[] = [
  {
    name: 'serve',
    summary: 'run the control plane',
    load: async () =>
      (await import('./serve.ts')).serveCommand(async (config) => (await import('../serve/serve.ts')).serve(config)),
  },
  {
    name: 'bootstrap',
    summary: "print a sidecar's bootstrap configuration",
    load: async () => (await import('./bootstrap.ts')).bootstrapCommand,
  },
  {
    name: 'apply',
    summary: 'create or change rules from files, all or none',
    load: async () => (await import('./apply.ts')).applyCommand,
  },
  { name: 'get', summary: 'show rules', load: async () => (await import('./get.ts')).getCommand },
  { name: 'delete', summary: 'delete rules', load: async () => (await import('./delete.ts')).deleteCommand },
  {
    name: 'diff',
    summary: 'show what apply would change',
    load: async () => (await import('./diff.ts')).diffCommand,
  },
  {
    name: 'history',
    summary: 'show the versions of a rule',
    load: async () => (await import('./history.ts')).historyCommand,
  },
  {
    name: 'rollback',
    summary: 'bring back a version of a rule',
    load: async () => (await import('./rollback.ts')).rollbackCommand,
  },
  { name: 'export', summary: 'print all rules', load: async () => (await import('./export.ts')).exportCommand },
  {
    name: 'import',
    summary: 'take in what export printed',
    load: async () => (await import('./import.ts')).importCommand,
  },
  {
    name: 'audit',
    summary: 'show who asked for which change',
    load: async () => (await import('./audit.ts')).auditCommand,
  },
  {
    name: 'route-test',
    summary: "show where a proxy's configuration sends a call",
    load: async () => (await import('./route-test.ts')).routeTestCommand,
  },
  {
    name: 'proxy-status',
    summary: 'show whether proxies have their newest configuration',
    load: async () => (await import('./proxy-status.ts')).proxyStatusCommand,
  },
  {
    name: 'proxy-config',
    summary: 'show the configuration of a proxy',
    load: async () => (await import('./proxy-config.ts')).proxyConfigCommand,
  },
  {
    name: 'explain',
    summary: 'say which rules and services made a resource of a proxy',
    load: async () => (await import('./explain.ts')).explainCommand,
  },
  {
    name: 'context',
    summary: 'choose among servers',
    load: async () => (await import('./context.ts')).contextCommand,
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    load: async () => (await import('./completion.ts')).completionCommand,
  },
  {
    name: '__complete',
    summary: 'say what a word may become',
    hidden: true,
    load: async () => (await import('./complete.ts')).completeCommand(commands),
  },
  { name: 'version', summary: 'print the version', load: async () => (await import('./version.ts')).versionCommand },
];
