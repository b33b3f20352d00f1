/** Work on a webhook's items in slices, so that no body keeps the process from its other requests and its timers. */
import { setImmediate as nextTurn } from 'node:timers/promises'

let lastTurn = Promise.resolve()

/** A turn of the event loop of one's own: of several that wait, each resolves in another turn. */
export function ownTurn(): Promise<void> {
  lastTurn = lastTurn.then(() => nextTurn())
  return lastTurn
}

/** Reading one takes 5 to 40 µs, and finding its person and its steps as long. */
export const ITEMS_A_SLICE = 200

/** Calls `take` with each slice of the items, in order, and lets the event loop turn in between. */
export function inSlices<Each>(
  items: Iterable<Each>,
  take: (slice: Each[]) => void | Promise<void>,
  most = ITEMS_A_SLICE,
): void | Promise<void> {
  // Nearly all webhooks hold one item.
  if (Array.isArray(items) && items.length <= most) return items.length > 0 ? take(items) : undefined
  return oneByOne(items, take, most)
}

async function oneByOne<Each>(
  items: Iterable<Each>,
  take: (slice: Each[]) => void | Promise<void>,
  most: number,
): Promise<void> {
  let slice: Each[] = []
  for (const item of items) {
    if (slice.length === most) {
      await take(slice)
      slice = []
      await nextTurn()
    }
    slice.push(item)
  }
  if (slice.length > 0) await take(slice)
}
