/**
 * Ends this process, as SIGTERM does, when its launcher has gone. A launcher killed with SIGKILL cannot forward the
 * signal, but its end of the channel closes. Does nothing without a channel.
 */
export function endWithLauncher(): void {
  if (process.channel === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref(); // the channel must not keep a command running
}
