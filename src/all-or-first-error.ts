/** Waits for all, so that nothing is left under way. Resolves to the values. @throws the first error */
export async function allOrFirstError<Value>(promises: Promise<Value>[]): Promise<Value[]> {
  const values: Value[] = []
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === 'rejected') throw result.reason
    values.push(result.value)
  }
  return values
}
