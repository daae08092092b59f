import { readFileSync } from 'node:fs';

// `npm start`: serves with embedded defaults and the sample mesh, unless arguments or environment name a configuration
// or mesh.
const args = process.argv.slice(2);
const named = (flag) => args.some((arg) => arg === flag || arg.startsWith(`${flag}=`));
const ownMesh =
  named('--config') || named('--mesh-dir') || 'BINNACLE_CONFIG' in process.env || 'BINNACLE_MESH_DIR' in process.env;

if (process.env.npm_lifecycle_event === 'start') endWithNpm();
process.argv.splice(2, args.length, 'serve', ...(ownMesh ? [] : ['--mesh-dir', 'deploy/sample']), ...args);
await import('../bin/binnacle.mjs');

/**
 * Ends this process, as SIGTERM does, when npm has gone: a killed npm sends no signal. The shell in which npm runs the
 * script may outlive npm.
 */
function endWithNpm() {
  const npm = nearestNonShell();
  const timer = setInterval(() => {
    if (nearestNonShell() === npm) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 1_000);
  timer.unref();
}

/** Returns the nearest ancestor that is no shell. Only Linux identifies ancestors; elsewhere it is the parent. */
function nearestNonShell() {
  let pid = process.ppid;
  for (;;) {
    const [, name = '', parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(statOf(pid)) ?? [];
    if (!/(?:sh|busybox)$/.test(name)) return pid;
    pid = Number(parent);
  }
}

function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return ''; // the process has ended, or this is not Linux
  }
}
