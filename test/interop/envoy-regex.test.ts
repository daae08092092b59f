import { expect, it } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { envoyVerdicts } from '../support/envoy-verdicts.ts';

const ordinary = '/api/v[0-9]+/(users|orders|products|payments)/[a-f0-9-]{36}';

const samples = {
  ordinary: [{ match: { safeRegex: { regex: ordinary } }, route: { cluster: 'nowhere' } }],
  huge: [{ match: { safeRegex: { regex: `(${'[a-z]{100}'.repeat(40)}){10}` } }, route: { cluster: 'nowhere' } }],
};

const withoutRuntime = (printed: object) => ({ ...printed, layered_runtime: { layers: [] } });

describeWith(['envoy'], 'regular expressions in a real Envoy', () => {
  it('may be of ordinary size with the bootstrap that binnacle prints', async () => {
    const verdicts = await envoyVerdicts(samples);

    expect(verdicts.ordinary).toBeNull();
    expect(verdicts.huge).toMatch(/RE2 program size of \d+ > max program size of 32768/);
  });

  it('may not be of ordinary size with a bootstrap that has no limit of its own', async () => {
    const verdicts = await envoyVerdicts(samples, { bootstrap: withoutRuntime });

    expect(verdicts.ordinary).toMatch(/RE2 program size of 1\d\d > max program size of 100/);
  });
});
