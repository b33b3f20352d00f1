/** A message holds back its batch by its id as JSON, so that it meets no key that a caller has chosen. */
export function holdName(key: string): string {
  if (!key.startsWith('"')) return key
  const id: unknown = JSON.parse(key)
  return typeof id === 'string' ? id : key
}
