import type { Flag } from '../flags.ts';
import { credentialFlags } from './credentials.ts';

/** Flags of all commands that connect to a server. */
export const serverFlags: readonly Flag[] = [
  { name: 'server', value: 'URL', about: 'the server (BINNACLE_SERVER, the current context, http://127.0.0.1:8080)' },
  { name: 'context', value: 'NAME', about: 'a context of the contexts file', complete: 'contexts' },
  ...credentialFlags,
  { name: 'timeout', value: 'SECONDS', about: 'how long to wait for the server (30)', complete: [] },
  { name: 'help', short: 'h', value: null, about: 'this text' },
];

export const namespaceFlag: Flag = {
  name: 'namespace',
  short: 'n',
  value: 'NAMESPACE',
  about: "the namespace (the context's, or default)",
  complete: 'namespaces',
};

export const dryRunFlag: Flag = { name: 'dry-run', value: null, about: 'check and say what would be done; do nothing' };

export const oneByOneFlag: Flag = {
  name: 'one-by-one',
  value: null,
  about: 'write the objects one after another if the server cannot write all or none (rules in a Kubernetes cluster)',
};

/** Value of the query parameter `atomic`. */
export const atomicOf = (values: { readonly 'one-by-one'?: readonly string[] | undefined }): string | null =>
  values['one-by-one'] === undefined ? null : 'false';

export const selectorFlag: Flag = {
  name: 'selector',
  short: 'l',
  value: 'LABELS',
  about: "only objects with these labels: 'app=reviews,tier!=dev', 'env in (a,b)'",
  complete: [],
};

export const filenameFlag: Flag = {
  name: 'filename',
  short: 'f',
  value: 'FILE',
  about: 'a file, a directory of .yaml, .yml and .json files, or - for standard input; may be repeated',
  many: true,
};

export const recursiveFlag: Flag = {
  name: 'recursive',
  short: 'R',
  value: null,
  about: 'with directories: also those in them',
};

export const fieldValidations = ['strict', 'warn', 'ignore'] as const;

/** Spells a value as the API does: `Strict`. */
export const apiFieldValidation = (given: (typeof fieldValidations)[number]): string =>
  `${given.charAt(0).toUpperCase()}${given.slice(1)}`;

export const fieldValidationFlag: Flag = {
  name: 'field-validation',
  value: 'HOW',
  about: 'unknown fields and keys given twice: strict refuses, warn and ignore leave them out (strict)',
  complete: fieldValidations,
};

/** Builds the flag `-o`; the first format is the default. */
export const outputFlag = (formats: readonly string[], about = 'how to print'): Flag => ({
  name: 'output',
  short: 'o',
  value: formats.join('|'),
  about: `${about} (${formats[0]})`,
  complete: formats,
});
