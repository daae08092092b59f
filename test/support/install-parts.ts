import { setPriority } from 'node:os';
import { missing, type PartName, partProgram, parts } from './parts.ts';

// Installs the named parts, if this machine can have them, with processor time that other processes leave.
setPriority(19);
process.on('SIGTERM', () => process.exit(1)); // so that programs that it started end as well
const isPart = (name: string): name is PartName => name in parts;
for (const name of process.argv.slice(2).filter(isPart)) {
  if (missing(name) === null) await partProgram(name);
}
