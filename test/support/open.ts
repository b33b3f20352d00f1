/**
 * What the tests have started and not yet ended. What a test opens it must end before its last hook; what a suite's
 * `before` opens, before the run ends. See hooks.ts.
 */
interface Open {
  what: string
  end: () => Promise<unknown>
  /** Opened by a test or its `beforeEach`, not by a suite. */
  byTest: boolean
}

const open = new Set<Open>()
let inTest = false

/** Notes something that must be ended; call what is returned when it has. */
export function track(what: string, end: () => Promise<unknown>): () => void {
  const entry = { what, end, byTest: inTest }
  open.add(entry)
  return () => void open.delete(entry)
}

export function testBegins(): void {
  inTest = true
}

export function testEnds(): void {
  inTest = false
}

/** Ends what was left open, by tests or by all; resolves to what it was. */
export async function endLeftOpen(which: 'byTest' | 'all'): Promise<string[]> {
  const left = [...open].filter(entry => which === 'all' || entry.byTest).reverse()
  for (const entry of left) {
    open.delete(entry)
    await entry.end()
  }
  return left.map(({ what }) => what)
}
