/**
 * The resources that tests have opened and not yet closed. A test must close its own before its last hook, a suite
 * those of its `before` hook before the run ends. See hooks.ts.
 */
import { onceAProcess } from './once-a-process.js'

interface Open {
  what: string
  end: () => Promise<unknown>
  /** Opened by a test or its `beforeEach`, not by a suite. */
  byTest: boolean
}

const state = onceAProcess('open', () => ({ open: new Set<Open>(), inTest: false }))
const { open } = state

/** Registers a resource. Call the returned function when it has been closed. */
export function track(what: string, end: () => Promise<unknown>): () => void {
  const entry = { what, end, byTest: state.inTest }
  open.add(entry)
  return () => void open.delete(entry)
}

export function testBegins(): void {
  state.inTest = true
}

export function testEnds(): void {
  state.inTest = false
}

/** Closes what was left open by tests, or by all; resolves to the names. */
export async function endLeftOpen(which: 'byTest' | 'all'): Promise<string[]> {
  const left = [...open].filter(entry => which === 'all' || entry.byTest).reverse()
  for (const entry of left) {
    open.delete(entry)
    await entry.end()
  }
  return left.map(({ what }) => what)
}
