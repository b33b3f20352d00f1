/**
 * State that a process has once, whichever module asks. Mocha loads a test file by `require`, and one with a top-level
 * `await` by `import`; each of the two has its own copy of every module. The root hooks are in the first, so they would
 * look for the servers and the open connections of such a file in vain.
 */

/** @param name unique among all callers */
export function onceAProcess<State>(name: string, make: () => State): State {
  const key = Symbol.for(`lull.tests.${name}`)
  if (!Reflect.has(globalThis, key)) Reflect.set(globalThis, key, make())
  return Reflect.get(globalThis, key)
}
