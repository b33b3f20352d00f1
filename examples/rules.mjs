// A hook that decides the rules of a message before it is appended: LULL_RULES=./rules.mjs
//
// It comes before the stored settings (`lull settings`). What it does not set stays as it is. A webhook waits for it, so
// it has to be fast; after a second, or if it throws, the other rules hold.

const ENDS_A_TURN = /^\s*(?:stop|that is all|that's all|send)\s*[.!]?\s*$/i

export default function rulesFor({ account, isGroup }, messages) {
  const last = messages.at(-1)
  // Nobody adds anything after these: hand the batch over now.
  if (ENDS_A_TURN.test(last?.text ?? '') || last?.type === 'order') return { flush: true }
  // Many people write at once in a group: do not wait for all of them to be silent.
  if (isGroup) return { quietGapMs: 4000, maxWaitMs: 20_000 }
  // Questions to the clinic are long, and come in pieces.
  if (account === 'clinic') return { quietGapMs: 15_000 }
}
