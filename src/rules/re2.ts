import { RE2JS } from 're2js';
import { z } from 'zod';

/**
 * A regular expression in RE2's syntax, which is Envoy's. One that is not makes Envoy reject the whole route configuration,
 * with the rules of all other hosts in it, so it is refused here, where its author sees why.
 */
export const re2Text = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const reason = whyNotRe2(text);
    if (reason !== null) context.addIssue({ code: 'custom', message: `no regular expression of RE2: ${reason}` });
  });

function whyNotRe2(text: string): string | null {
  try {
    RE2JS.compile(text);
    return null;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/^error parsing regexp: /, '');
  }
}
