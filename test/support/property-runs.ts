/**
 * How many scripts a property is tried with: `PROPERTY_RUNS=20000 npx vitest run test/property --testTimeout 900000` looks for
 * what is too rare for the usual ones.
 */
export const runs = (usual: number): number => Number(process.env.PROPERTY_RUNS ?? usual);
