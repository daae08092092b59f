/**
 * Returns the number of scripts per property. `PROPERTY_RUNS=20000 npx vitest run test/property --testTimeout 900000`
 * finds rare failures.
 */
export const runs = (usual: number): number => Number(process.env.PROPERTY_RUNS ?? usual);
