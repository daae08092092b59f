import { expect, it } from 'vitest';
import { type CpuProfile, timeByPlace } from '../../bench/profile/cpu-profile.ts';

const frames = [
  ['(root)', ''],
  ['(idle)', ''],
  ['(program)', ''],
  ['(garbage collector)', ''],
  ['writev', ''],
  ['', ''],
  ['emit', 'node:events'],
  ['safeParse', 'file:///app/node_modules/zod/v4/core/parse.js'],
  ['toBinary', 'file:///app/node_modules/@bufbuild/protobuf/dist/esm/to-binary.js'],
  ['flush', 'file:///app/dist/src/compile/compiler.js'],
  ['compile', 'file:///app/dist/src/compile/compiler.js'],
] as const;

/** A sample of each frame in turn, 10 µs apart, from 1,000 µs on. */
const profile: CpuProfile = {
  startTime: 1_000,
  nodes: frames.map(([functionName, url], id) => ({ id, callFrame: { functionName, url } })),
  samples: frames.map((_frame, id) => id),
  timeDeltas: frames.map(() => 10),
};

it('adds up time by file, package and part of the runtime, without waiting', () => {
  const places = timeByPlace(profile, { fromUs: 1_000, toUs: 2_000 });
  expect([...places]).toEqual([
    ['src/compile/compiler.ts', 20],
    ['native: libuv, nghttp2, kernel', 10],
    ['garbage collection', 10],
    ['native: writev', 10],
    ['native: unnamed', 10],
    ["Node's JavaScript", 10],
    ['package zod', 10],
    ['package @bufbuild/protobuf', 10],
  ]);
});

it('counts only samples of the span', () => {
  expect([...timeByPlace(profile, { fromUs: 1_070, toUs: 1_090 }).keys()]).toEqual([
    'package zod',
    'package @bufbuild/protobuf',
  ]);
});
