import { err, ok, type Result } from '../../src/lib/result.ts';
import { type Hostname, hostname } from '../../src/model/names.ts';
import { defaultGroup, type NacosService } from './names.ts';

/** Rule that gives every service of Nacos a hostname, and finds the service of a hostname. */
export interface NacosHostnames {
  /** Returns an error for a name whose hostname would be too long for DNS. */
  hostnameOf(name: NacosService): Result<Hostname, string>;
  /** Returns the service of a hostname, or null for a hostname that the template does not make. */
  nameOf(host: string): NacosService | null;
}

/** Parts of a name that are the same for all services, so that the template need not contain them. */
export interface FixedParts {
  readonly namespace: string | null;
  readonly group: string | null;
}

const placeholders = ['namespace', 'group', 'service'] as const;
type Placeholder = (typeof placeholders)[number];

/** Label of a template: a part of the name, or fixed text. */
type Label = { readonly part: Placeholder } | { readonly text: string };

/** Text of the group of most services, in place of `_d_e_f_a_u_l_t___g_r_o_u_p`. */
const defaultGroupText = 'default-group';

/** Parses `{service}.{group}.{namespace}.nacos`. Two services never get one hostname. */
export function parseNacosHostnames(text: string, fixed: FixedParts): Result<NacosHostnames, string> {
  const labels = text.split('.').map(parseLabel);
  const fault = templateFault(labels, fixed);
  if (fault !== null) return err(fault);
  const template = labels.filter((label) => label !== null);
  const pattern = new RegExp(`^${template.map(patternOf).join('\\.')}$`);
  const render = (name: NacosService) =>
    template.map((label) => ('text' in label ? label.text : encodePart(label.part, name))).join('.');

  return ok({
    hostnameOf(name) {
      const host = render(name);
      if (host.length > 253) return err(`its hostname would have ${host.length} characters; DNS allows 253`);
      const long = host.split('.').find((label) => label.length > 63);
      if (long !== undefined) return err(`the part '${long}' of its hostname is longer than 63 characters`);
      return ok(hostname(host));
    },
    nameOf(host) {
      const found = pattern.exec(host)?.groups ?? {};
      const { namespace = fixed.namespace, group = fixed.group, service } = decodeParts(found);
      if (namespace === null || group === null || service === undefined) return null;
      const name = { namespace, group, name: service };
      return render(name) === host ? name : null;
    },
  });
}

function parseLabel(text: string): Label | null {
  const part = placeholders.find((one) => text === `{${one}}`);
  if (part !== undefined) return { part };
  return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text) ? { text } : null;
}

function templateFault(labels: readonly (Label | null)[], fixed: FixedParts): string | null {
  if (labels.includes(null))
    return 'must be {service}, {group}, {namespace} and lower-case labels, with dots between them';
  const used = labels.flatMap((label) => (label !== null && 'part' in label ? [label.part] : []));
  if (new Set(used).size < used.length) return 'contains a part twice';
  const lacking = placeholders.find((part) => !used.includes(part) && (part === 'service' || fixed[part] === null));
  return lacking === undefined ? null : `needs {${lacking}}: without it, services would share hostnames`;
}

function patternOf(label: Label): string {
  if ('text' in label) return label.text;
  return label.part === 'service' ? '(?<service>.+)' : `(?<${label.part}>[^.]+)`;
}

const decodeParts = (found: Readonly<Record<string, string>>): Partial<Record<Placeholder, string>> =>
  Object.fromEntries(
    placeholders.flatMap((part) => {
      const text = found[part];
      return text === undefined
        ? []
        : [[part, part === 'group' && text === defaultGroupText ? defaultGroup : decode(text)]];
    }),
  );

function encodePart(part: Placeholder, { namespace, group, name }: NacosService): string {
  if (part === 'service') return encode(name, true);
  if (part === 'namespace') return encode(namespace, false);
  if (group === defaultGroup) return defaultGroupText;
  // A group of that very name must differ.
  return group === defaultGroupText ? encodeBytes(group.slice(0, 1)) + group.slice(1) : encode(group, false);
}

/**
 * Encodes a name in lower-case letters, digits, `-`, `_` and, with `keepsDots`, dots between labels. `_` escapes: `_o`
 * is `O`, `__` is `_`, `_3a` is the byte 3a, and `_0c3` the byte c3.
 */
function encode(text: string, keepsDots: boolean): string {
  const labels = keepsDots ? labelsOf(text) : [text];
  return labels.map((label) => label.replace(/[^a-z0-9-]|^-|-$/gu, encodeCharacter)).join('.');
}

/** Splits at those dots that leave no empty label. */
function labelsOf(text: string): readonly string[] {
  const labels: string[] = [];
  for (const part of text.split('.')) {
    const last = labels.at(-1);
    if (last !== undefined && (last === '' || part === '')) labels[labels.length - 1] = `${last}.${part}`;
    else labels.push(part);
  }
  return labels;
}

function encodeCharacter(character: string): string {
  if (character === '_') return '__';
  return /[A-Z]/.test(character) ? `_${character.toLowerCase()}` : encodeBytes(character);
}

const encodeBytes = (character: string): string =>
  [...Buffer.from(character)].map((byte) => (byte < 0x20 || byte > 0x7f ? '_0' : '_') + hex(byte)).join('');

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

function decode(text: string): string {
  const bytes: number[] = [];
  for (const [token, upper, underscore, high, low] of text.matchAll(
    /_([a-z])|_(_)|_0([0-9a-f]{2})|_([2-7][0-9a-f])|./gs,
  )) {
    if (upper !== undefined) bytes.push(...Buffer.from(upper.toUpperCase()));
    else if (underscore !== undefined) bytes.push(...Buffer.from('_'));
    else if (high !== undefined || low !== undefined) bytes.push(Number.parseInt(high ?? low ?? '', 16));
    else bytes.push(...Buffer.from(token));
  }
  return Buffer.from(bytes).toString();
}
