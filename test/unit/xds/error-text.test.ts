import { describe, expect, it } from 'vitest';
import { decisiveSentence, isBindError } from '../../../src/xds/stream/error-text.ts';

/** Texts that Envoy 1.40 sent. */
const constraint = `goo.gle/debugonly
name: "81"
virtual_hosts {
  name: "bad-host"
}
: Proto constraint validation failed (RouteConfigurationValidationError.VirtualHosts[1]: embedded message failed validation | caused by VirtualHostValidationError.Routes[0]: embedded message failed validation | caused by DirectResponseActionValidationError.Status: value must be inside range [200, 600))`;
const bind =
  "Error adding/updating listener(s) 127.0.0.1_80: cannot bind '127.0.0.1:80': Address already in use\n127.0.0.1_90: no such filter\n";

describe('the text of an error', () => {
  for (const { name, error, about, want } of [
    {
      name: 'is the innermost message of a chain, without the configuration in front',
      error: constraint,
      about: '',
      want: 'DirectResponseAction.Status: value must be inside range [200, 600)',
    },
    {
      name: 'is the text after the name of the resource',
      error: bind,
      about: '127.0.0.1_90',
      want: 'no such filter',
    },
    {
      name: 'is the whole of a short one',
      error: 'Not supported field in StreamInfo: FOO',
      about: '',
      want: 'Not supported field in StreamInfo: FOO',
    },
  ]) {
    it(name, () => expect(decisiveSentence(error, about)).toBe(want));
  }

  it('reports that Envoy truncated it', () => {
    expect(decisiveSentence('goo.gle/debugproto name: "80" virtual_hosts {', '')).toMatch(
      /cut off from the error text/,
    );
  });

  it('is one line of at most 300 characters', () => {
    expect(decisiveSentence(`a\nb ${'c'.repeat(5_000)}`, '')).toHaveLength(300);
    expect(decisiveSentence('a\nb', '')).toBe('a b');
  });

  it('shows whether a listener was not bound, and which one', () => {
    expect(isBindError(bind, '127.0.0.1_80')).toBe(true);
    expect(isBindError(bind, '127.0.0.1_90')).toBe(false);
  });
});
