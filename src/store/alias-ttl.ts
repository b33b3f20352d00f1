/** How long an alias is remembered after it was last used: 90 days. */
export const ALIAS_TTL_MS = 90 * 86_400_000
