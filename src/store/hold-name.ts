/** A message holds back its batch by its id as JSON, so that it meets no key that a caller has chosen. */
export const isMessageKey = (key: string): boolean => key.startsWith('"')

/** A hold as it is shown. */
export const shownHold = (key: string, inMs: number): { key: string; inMs: number; ofMessage?: true } => ({
  key: holdName(key),
  inMs,
  ...(isMessageKey(key) ? { ofMessage: true } : {}),
})

/** The id of the message, or the caller's key. */
export function holdName(key: string): string {
  if (!isMessageKey(key)) return key
  const id: unknown = JSON.parse(key)
  return typeof id === 'string' ? id : key
}
