import { describe, expect, it } from 'vitest';
import { translate } from '../../../adapters/example/translate.ts';

describe('translation of the example adapter', () => {
  it('makes a service and its endpoints of an entry', () => {
    const text = '[{ "host": "Reviews.example", "port": 8080, "addresses": ["10.0.0.1", "2001:DB8::1"], "new": true }]';

    const { contents, mistakes } = translate(text);

    expect(mistakes).toEqual([]);
    expect(contents.services).toMatchObject([
      {
        hostname: 'reviews.example',
        namespace: 'default',
        ports: [{ name: 'http', number: 8080, protocol: 'http' }],
        resolution: 'static',
      },
    ]);
    expect(contents.endpoints).toMatchObject([
      {
        hostname: 'reviews.example',
        endpoints: [
          { address: '10.0.0.1', ports: { http: 8080 } },
          { address: '2001:db8::1', ports: { http: 8080 } },
        ],
      },
    ]);
  });

  it('leaves wrong entries out and says where they are', () => {
    const text = JSON.stringify([
      { host: 'reviews.example', port: 8080 },
      { host: 'ratings.example', port: 99_999 },
      { host: 'details.example', port: 80, addresses: ['nowhere'] },
      { host: 'REVIEWS.example', port: 80 },
    ]);

    const { contents, mistakes } = translate(text);

    expect(contents.services.map((service) => service.hostname)).toEqual(['reviews.example']);
    expect(mistakes.map(({ origin, message }) => `${origin} ${message}`)).toEqual([
      expect.stringMatching(/^services\[1\] port: /),
      expect.stringMatching(/^services\[2\] addresses\[0\]: /),
      'services[3] reviews.example is in the list already; the first entry applies',
    ]);
  });

  it('rejects a document that is no list, of which no entry can be told', () => {
    expect(() => translate('{}')).toThrow();
    expect(() => translate('[')).toThrow();
  });
});
