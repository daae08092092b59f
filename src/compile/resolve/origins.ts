/** Returns the rules among the origins of a part, by id; the others are services. */
export const rulesAmong = (origins: readonly string[]): readonly string[] =>
  origins.filter((origin) => !origin.startsWith('service/'));
