// Replaces the sample's applications: one small HTTP server per endpoint, which answers with its name.
import { createServer } from 'node:http';

const endpoints = {
  'productpage-v1': 19080,
  'details-v1': 19081,
  'ratings-v1': 19082,
  'reviews-v1': 19091,
  'reviews-v2': 19092,
  'reviews-v3': 19093,
};

for (const [name, port] of Object.entries(endpoints)) {
  createServer((_request, response) => response.end(`${name}\n`))
    .on('error', (error) => {
      process.stderr.write(`${name}: ${error.message}\n`);
      process.exitCode = 1;
    })
    .listen(port, '127.0.0.1', () => process.stdout.write(`${name} listens on 127.0.0.1:${port}\n`));
}
