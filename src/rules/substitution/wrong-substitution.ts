import { didYouMean } from '../../lib/nearest.ts';
import { commandNames, commandOf, type SubstitutionCommand } from './commands.ts';

/** `%COMMAND%`, `%COMMAND(argument)%`, `%COMMAND(argument):length%`, as Envoy's own expression matches it. */
const commandText = /%([A-Z0-9_]+)(?:\((.*?)\))?(?::(\d+))?%/sy;

/** Envoy stores a length in 64 bits. */
const maxLength = 2n ** 64n - 1n;

/**
 * Finds a mistake in a text with commands that Envoy substitutes, such as a header value; null for none. One invalid
 * text makes Envoy reject the whole route configuration.
 */
export function wrongSubstitution(text: string): string | null {
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', at)) {
    if (text.startsWith('%%', at)) {
      at += 2;
      continue;
    }
    commandText.lastIndex = at;
    const found = commandText.exec(text);
    if (found === null)
      return 'a percent sign must be doubled (%%), or stand around a command of Envoy such as %REQ(x-id)%';
    const [whole, name = '', argument = '', length] = found;
    const command = commandOf(name);
    if (command === undefined) return `%${name}% is no command of Envoy${didYouMean(name, commandNames())}`;
    const wrong = wrongUse(command, argument, length);
    if (wrong !== null) return `%${name}% ${wrong}`;
    at += whole.length;
  }
  return null;
}

function wrongUse(command: SubstitutionCommand, argument: string, length: string | undefined): string | null {
  if (command.argument === 'never' && argument !== '') return 'takes no argument';
  if (command.argument === 'needed' && argument === '') return 'needs an argument in parentheses';
  const wrong = argument === '' ? null : command.wrongArgument(argument);
  if (wrong !== null || length === undefined) return wrong;
  if (!command.takesLength) return 'takes no length';
  return BigInt(length) <= maxLength ? null : `takes a length of ${maxLength} at most`;
}
