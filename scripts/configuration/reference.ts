import type { z } from 'zod';
import { environmentName } from '../../src/serve/config.ts';
import { type Key, type Section, sectionsOf } from './sections.ts';

/** An adapter whose keys belong into the reference. */
interface Configurable {
  readonly kind: string;
  readonly config: z.ZodType;
}

/** Returns the sections of binnacle.yaml, those of the adapters behind the keys that all adapters have. */
export function configurationSections(schema: z.ZodType, adapters: readonly Configurable[]): readonly Section[] {
  const own = sectionsOf(schema, '');
  const ofAdapters = adapters.flatMap(({ kind, config }) => sectionsOf(config, `adapters[${kind}]`));
  return own.flatMap((section) => (section.path === 'adapters[]' ? [section, ...ofAdapters] : [section]));
}

/** Writes the sections in Markdown: a heading and a table for each. */
export const referenceText = (sections: readonly Section[]): string => sections.map(sectionText).join('\n');

function sectionText({ path, description, keys }: Section): string {
  const text = [`### ${path === '' ? 'Top level' : `\`${path}\``}`, ''];
  if (description !== '') text.push(description, '');
  if (keys.length > 0)
    text.push('| key | type | default | flag and variable | what it does |', '| --- | --- | --- | --- | --- |');
  return `${[...text, ...keys.map(rowOf)].join('\n').trimEnd()}\n`;
}

function rowOf({ path, type, fallback, isRequired, flag, description }: Key): string {
  const flags = flag === null ? '' : `\`--${flag}\`, \`${environmentName(flag)}\``;
  const missing = isRequired ? 'required' : '–';
  const cells = [
    `\`${path}\``,
    type,
    fallback === undefined ? missing : `\`${valueText(fallback)}\``,
    flags,
    description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`.replaceAll('|  |', '| |');
}

/** Writes a value as in a configuration file. */
const valueText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value).replaceAll('"', "'");
