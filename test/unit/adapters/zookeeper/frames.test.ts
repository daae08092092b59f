import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameCutter } from '../../../../adapters/zookeeper/client/frames.ts';
import { JuteError, JuteReader, JuteWriter } from '../../../../adapters/zookeeper/client/jute.ts';
import { runs } from '../../../support/property-runs.ts';

describe('messages', () => {
  it('come out whole, however the stream is cut', () => {
    const messages = fc.array(fc.string({ maxLength: 20 }), { maxLength: 10 });
    fc.assert(
      fc.property(messages, fc.array(fc.nat(30), { minLength: 1, maxLength: 20 }), (texts, cuts) => {
        const stream = Buffer.concat(texts.map((text) => new JuteWriter().text(text).frame()));
        const cutter = new FrameCutter(1_000);
        const found: string[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = (cuts[turn % cuts.length] ?? 0) + 1;
          for (const frame of cutter.push(stream.subarray(at, at + size))) found.push(new JuteReader(frame).text());
          at += size;
        }
        expect(found).toEqual(texts.map((text) => Buffer.from(text).toString()));
      }),
      { numRuns: runs(300) },
    );
  });

  it('of impossible lengths are refused before they are held', () => {
    expect(() => new FrameCutter(1_000).push(Buffer.from([0x7f, 0xff, 0xff, 0xff]))).toThrow('2147483647 bytes');
    expect(() => new FrameCutter(1_000).push(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow('-1 bytes');
  });

  it('that end too early are refused', () => {
    expect(() => new JuteReader(Buffer.from([0, 0, 0, 9, 1])).bytes()).toThrow(JuteError);
    expect(() => new JuteReader(Buffer.from([0, 0])).int()).toThrow(JuteError);
    expect(() => new JuteReader(Buffer.from([0x7f, 0xff, 0xff, 0xff])).texts()).toThrow(JuteError);
  });
});
