import { readFileSync } from 'node:fs';

// `npm start`: serves on embedded defaults with the sample mesh, unless the arguments (or the environment) name
// a configuration or a mesh of one's own.
const args = process.argv.slice(2);
const named = (flag) => args.some((arg) => arg === flag || arg.startsWith(`${flag}=`));
const ownMesh =
  named('--config') || named('--mesh-dir') || 'BINNACLE_CONFIG' in process.env || 'BINNACLE_MESH_DIR' in process.env;

if (process.env.npm_lifecycle_event === 'start') endWithNpm();
process.argv.splice(2, args.length, 'serve', ...(ownMesh ? [] : ['--mesh-dir', 'deploy/sample']), ...args);
await import('../bin/binnacle.mjs');

/**
 * Ends this process, as SIGTERM does, when npm has gone: nothing else would tell of a killed one. The shell that npm
 * runs the script with may stay between the two and outlive npm.
 */
function endWithNpm() {
  const npm = nearestNoShell();
  const timer = setInterval(() => {
    if (nearestNoShell() === npm) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 1_000);
  timer.unref();
}

/** The nearest ancestor that is no shell. Linux alone says what an ancestor is: elsewhere it is the parent. */
function nearestNoShell() {
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
    return ''; // it has ended, or this is not Linux
  }
}
