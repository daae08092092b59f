// A client of grpc-js with its xDS plugin. Commands and answers: see xds-client.ts.
import { createInterface } from 'node:readline';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';

register();

const channels = new Map();
const running = new Map();
const asIs = (bytes) => bytes;

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const command = JSON.parse(line);
    process.stdout.write(`${JSON.stringify({ id: command.id, ...(await obey(command)) })}\n`);
  })
  .on('close', () => process.exit(0));

async function obey({ op, target, count, metadata, timeoutMs }) {
  if (op === 'call') {
    const tally = newTally();
    for (let i = 0; i < count; i++) await call(target, tally, { metadata, timeoutMs });
    return tally;
  }
  const loop = running.get(target) ?? { tally: newTally(), isOver: false, done: null };
  running.set(target, loop);
  if (op === 'begin') {
    loop.done = callAgainAndAgain(target, loop);
    return newTally();
  }
  if (op === 'end') {
    loop.isOver = true;
    await loop.done;
    running.delete(target);
  }
  const tally = loop.tally;
  loop.tally = newTally();
  return tally;
}

async function callAgainAndAgain(target, loop) {
  while (!loop.isOver) {
    await call(target, loop.tally, {});
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function call(target, tally, { metadata = {}, timeoutMs = 5_000 }) {
  let channel = channels.get(target);
  if (channel === undefined) {
    channel = new Client(target, credentials.createInsecure());
    channels.set(target, channel);
  }
  const headers = new Metadata();
  for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
  const options = { deadline: Date.now() + timeoutMs };
  return new Promise((resolve) => {
    channel.makeUnaryRequest('/test.Echo/Who', asIs, asIs, Buffer.alloc(0), headers, options, (error, name) => {
      if (error === null) tally.answers[name] = (tally.answers[name] ?? 0) + 1;
      else tally.errors.push(`${status[error.code]}: ${error.details}`);
      resolve();
    });
  });
}

function newTally() {
  return { answers: {}, errors: [] };
}
