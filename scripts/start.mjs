// `npm start`: serves on embedded defaults with the sample mesh, unless the arguments (or the environment) name
// a configuration or a mesh of one's own.
const args = process.argv.slice(2);
const named = (flag) => args.some((arg) => arg === flag || arg.startsWith(`${flag}=`));
const ownMesh =
  named('--config') || named('--mesh-dir') || 'BINNACLE_CONFIG' in process.env || 'BINNACLE_MESH_DIR' in process.env;

process.argv.splice(2, args.length, 'serve', ...(ownMesh ? [] : ['--mesh-dir', 'deploy/sample']), ...args);
await import('../bin/binnacle.mjs');
