import { RE2JS } from 're2js';
import { z } from 'zod';
import { wrongEscape } from './escapes.ts';
import { maxProgramSize, programSizeAtMost } from './program-size.ts';

/**
 * A regular expression in RE2's syntax, which Envoy uses. Envoy rejects a whole route configuration with an invalid
 * expression, including the rules of all other hosts. This schema rejects the expression first, so that its author sees
 * why.
 */
export const re2Text = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const message = wrongExpression(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

function wrongExpression(text: string): string | null {
  const reason = whyNotRe2(text) ?? wrongEscape(text);
  if (reason !== null) return `no regular expression of RE2: ${reason}`;
  if (programSizeAtMost(text) <= maxProgramSize) return null;
  return `too large for Envoy: RE2 would need more than ${maxProgramSize} instructions`;
}

function whyNotRe2(text: string): string | null {
  try {
    RE2JS.compile(text);
    return null;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/^error parsing regexp: /, '');
  }
}
