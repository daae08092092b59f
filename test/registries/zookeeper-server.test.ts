import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { fourLetterWord, startZooKeeper } from '../support/zookeeper/server.ts';

describeWith(['zookeeper'], 'the ZooKeeper server of tests', () => {
  test('is of the pinned version, and comes back on its port after a crash', async () => {
    const server = await startZooKeeper();
    try {
      expect(await fourLetterWord(server.port, 'srvr')).toContain('Zookeeper version: 3.9.3');
      await server.kill();
      expect(server.running).toBe(false);
      await server.start();
      expect(await fourLetterWord(server.port, 'srvr')).toContain('Mode: standalone');
    } finally {
      await server.close();
    }
  });
});
