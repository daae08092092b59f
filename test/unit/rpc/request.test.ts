import { describe, expect, it } from 'vitest';
import type { RpcMethod } from '../../../src/rpc/handlers/handler.ts';
import { judgeRequest, parseTimeout } from '../../../src/rpc/request.ts';
import { echoPath, recorder } from './harness.ts';

const echo = recorder();
const methods = new Map<string, RpcMethod>([[echoPath, echo]]);
const good = { ':method': 'POST', ':path': echoPath, 'content-type': 'application/grpc' };

describe('judgeRequest', () => {
  for (const contentType of [
    'application/grpc',
    'application/grpc+proto',
    'application/grpc;charset=utf-8',
    'Application/gRPC',
  ]) {
    it(`accepts content-type ${contentType}`, () => {
      expect(judgeRequest({ ...good, 'content-type': contentType }, methods)).toEqual({
        type: 'call',
        method: echo,
        encoding: 'identity',
        acceptsGzip: false,
        timeoutMs: null,
      });
    });
  }

  for (const contentType of [undefined, 'application/json', 'application/grpc-web', 'text/application/grpc']) {
    it(`refuses content-type ${contentType} with 415`, () => {
      expect(judgeRequest({ ...good, 'content-type': contentType }, methods)).toMatchObject({
        headers: { ':status': 415 },
      });
    });
  }

  for (const { name, header, want } of [
    { name: 'GET', header: { ':method': 'GET' }, want: { ':status': 405, allow: 'POST' } },
    {
      name: 'an unknown path',
      header: { ':path': '/test.Echo/Nothing' },
      want: { ':status': 200, 'grpc-status': '12', 'grpc-message': 'unknown method /test.Echo/Nothing' },
    },
    {
      name: 'an unknown encoding',
      header: { 'grpc-encoding': 'snappy' },
      want: { 'grpc-status': '12', 'grpc-accept-encoding': 'identity,gzip,deflate' },
    },
    { name: 'a timeout of no known unit', header: { 'grpc-timeout': '5x' }, want: { 'grpc-status': '13' } },
  ]) {
    it(`refuses ${name}`, () => {
      expect(judgeRequest({ ...good, ...header }, methods)).toMatchObject({ type: 'refuse', headers: want });
    });
  }

  it('returns encoding and timeout', () => {
    expect(judgeRequest({ ...good, 'grpc-encoding': 'gzip', 'grpc-timeout': '100m' }, methods)).toMatchObject({
      encoding: 'gzip',
      timeoutMs: 100,
    });
  });
});

describe('parseTimeout', () => {
  for (const { value, want } of [
    { value: '2H', want: 7_200_000 },
    { value: '3M', want: 180_000 },
    { value: '4S', want: 4000 },
    { value: '5m', want: 5 },
    { value: '6000u', want: 6 },
    { value: '7000000n', want: 7 },
    { value: '0S', want: 0 },
    { value: '123456789S', want: undefined },
    { value: '-1S', want: undefined },
    { value: 'S', want: undefined },
    { value: '1', want: undefined },
  ]) {
    it(`reads ${value} as ${want} ms`, () => {
      expect(parseTimeout(value)).toBe(want);
    });
  }
});
