import { plainCommands } from './plain-commands.ts';

/** Syntax of one of Envoy's commands between percent signs. */
export interface SubstitutionCommand {
  /**
   * Argument in parentheses: `never`, `optional` or `needed`. `wrongArgument` says why a given one is invalid, or
   * returns null.
   */
  readonly argument: 'never' | 'optional' | 'needed';
  /** True if the command may end with a length such as `:8`. */
  readonly takesLength: boolean;
  readonly wrongArgument: (argument: string) => string | null;
}

/** Returns the command with this name; undefined for other words. */
export function commandOf(name: string): SubstitutionCommand | undefined {
  if (plainCommands.has(name)) return plain;
  return others.get(name);
}

export const commandNames = (): readonly string[] => [...others.keys(), ...plainCommands];

const anything = () => null;

const plain: SubstitutionCommand = { argument: 'never', takesLength: false, wrongArgument: anything };

/** Checks an argument that names a header, and optionally an alternative to it. */
function wrongHeader(argument: string): string | null {
  const names = argument.split('?');
  if (names.length > 2) return 'takes one alternative to a header at most';
  return names.every((name) => /^:?[!#$%&'*+.^_`|~0-9A-Za-z-]*$/.test(name)) ? null : 'takes the name of a header';
}

/** Checks a format for strftime. A line break would end the header. */
const wrongTime = (argument: string): string | null =>
  /%[-_0^#]*[1-9]*[EO]?n/.test(argument) ? 'takes a form of time without line breaks (%n)' : null;

function wrongFilterState(argument: string): string | null {
  const [key = '', form = '', ...field] = argument.split(':');
  if (key === '') return 'takes the key of a filter state';
  if (!['', 'PLAIN', 'TYPED', 'FIELD'].includes(form)) return 'takes PLAIN, TYPED or FIELD after its key';
  const hasField = field.join(':') !== '';
  if (hasField !== (form === 'FIELD')) return 'takes the name of a field after FIELD, and only there';
  return null;
}

const metadataOf = [
  'DYNAMIC',
  'CLUSTER',
  'ROUTE',
  'UPSTREAM_HOST',
  'LISTENER',
  'LISTENER_FILTER_CHAIN',
  'VIRTUAL_HOST',
];

const wrongMetadata = (argument: string): string | null =>
  metadataOf.includes(argument.split(':')[0] ?? '') ? null : `takes first one of ${metadataOf.join(', ')}`;

function wrongDuration(argument: string): string | null {
  const parts = argument.split(':');
  const right = parts.length === 2 || (parts.length === 3 && ['ms', 'us', 'ns'].includes(parts[2] ?? ''));
  return right ? null : 'takes two points in time and ms, us or ns: DS_RX_BEG:DS_TX_END:ms';
}

/** Checks parts between colons, each of which may be empty. Envoy ignores parts after the last list. */
const oneOf =
  (...choices: readonly (readonly string[])[]) =>
  (argument: string): string | null => {
    const parts = argument.split(':');
    for (const [index, allowed] of choices.entries()) {
      const part = parts[index] ?? '';
      if (part !== '' && !allowed.includes(part)) return `takes ${allowed.join(', ')}, not "${part}"`;
    }
    return null;
  };

/** Checks for one of these words. */
const word =
  (...allowed: readonly string[]) =>
  (argument: string): string | null =>
    allowed.includes(argument) ? null : `takes ${allowed.join(', ')}`;

const uncheckable = () => 'takes an expression that cannot be checked here';

const others: ReadonlyMap<string, SubstitutionCommand> = new Map([
  ...['REQ', 'RESP', 'TRAILER', 'REQUEST_HEADER', 'RESPONSE_HEADER', 'RESPONSE_TRAILER', 'STREAM_INFO_REQ'].map(
    (name) => entry(name, 'needed', { takesLength: true, wrongArgument: wrongHeader }),
  ),
  ...['DYNAMIC_METADATA', 'ENVIRONMENT', 'QUERY_PARAM'].map((name) => entry(name, 'needed', { takesLength: true })),
  ...['CLUSTER_METADATA', 'UPSTREAM_METADATA'].map((name) => entry(name, 'needed', {})),
  ...['FILTER_STATE', 'UPSTREAM_FILTER_STATE'].map((name) =>
    entry(name, 'needed', { takesLength: true, wrongArgument: wrongFilterState }),
  ),
  ...['START_TIME', 'START_TIME_LOCAL', 'EMIT_TIME', 'EMIT_TIME_LOCAL'].map((name) =>
    entry(name, 'optional', { wrongArgument: wrongTime }),
  ),
  ...['DOWNSTREAM_PEER_CERT', 'UPSTREAM_PEER_CERT'].flatMap((name) => [
    entry(`${name}_V_START`, 'optional', { wrongArgument: wrongTime }),
    entry(`${name}_V_END`, 'optional', { wrongArgument: wrongTime }),
  ]),
  ...['DOWNSTREAM_LOCAL', 'DOWNSTREAM_REMOTE', 'DOWNSTREAM_DIRECT_LOCAL', 'DOWNSTREAM_DIRECT_REMOTE'].map(addressEntry),
  ...['UPSTREAM_LOCAL', 'UPSTREAM_REMOTE'].map(addressEntry),
  entry('RESPONSE_CODE_DETAILS', 'optional', {}),
  entry('COMMON_DURATION', 'needed', { wrongArgument: wrongDuration }),
  entry('METADATA', 'needed', { takesLength: true, wrongArgument: wrongMetadata }),
  entry('GRPC_STATUS', 'optional', { wrongArgument: word('CAMEL_STRING', 'SNAKE_STRING', 'NUMBER') }),
  entry('PATH', 'optional', {
    takesLength: true,
    wrongArgument: oneOf(['WQ', 'NQ'], ['ORIG', 'PATH', 'ORIG_OR_PATH']),
  }),
  entry('QUERY_PARAMS', 'optional', { takesLength: true, wrongArgument: word('ORIG', 'DECODED') }),
  entry('REQUESTED_SERVER_NAME', 'optional', {
    wrongArgument: oneOf(['SNI_ONLY', 'SNI_FIRST', 'HOST_FIRST'], ['ORIG_OR_HOST', 'HOST', 'ORIG']),
  }),
  // An older form of FILTER_STATE(key:PLAIN), which Envoy rewrites.
  entry('PER_REQUEST_STATE', 'needed', { wrongArgument: (argument) => wrongFilterState(`${argument}:PLAIN`) }),
  entry('CEL', 'needed', { takesLength: true, wrongArgument: uncheckable }),
  entry('COALESCE', 'needed', { takesLength: true, wrongArgument: uncheckable }),
]);

function entry(
  name: string,
  argument: SubstitutionCommand['argument'],
  { takesLength = false, wrongArgument = anything }: Partial<SubstitutionCommand>,
): readonly [string, SubstitutionCommand] {
  return [name, { argument, takesLength, wrongArgument }];
}

/** An address command. Its argument shortens the address; Envoy accepts any. */
function addressEntry(name: string): readonly [string, SubstitutionCommand] {
  return entry(`${name}_ADDRESS_WITHOUT_PORT`, 'optional', {});
}
