/**
 * Ends this process, as SIGTERM does, when the one that opened its channel has gone. A launcher that is killed with
 * SIGKILL can hand nothing on, but its end of the channel closes. Without a channel this does nothing.
 */
export function endWithLauncher(): void {
  if (process.channel === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref(); // waiting for its end keeps no command alive
}
