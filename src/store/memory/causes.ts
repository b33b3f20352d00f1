/** Own messages that paused a conversation; what each of them did can be undone alone: `lua/shared/causes.lua`. */
import type { Known } from './known.js'

export type Paused = NonNullable<Known['paused']>

const MOST_CAUSES = 32

/** @param paused the pause that goes on already: it is never shortened, and keeps its `keep` */
export function withCause(
  paused: Paused | undefined,
  { messageId, untilMs }: { messageId: string; untilMs: number },
  keep: Paused['keep'],
): Paused {
  const causes = new Map(paused?.causes)
  const [first] = [...causes].sort(([a, aMs], [b, bMs]) => aMs - bMs || (a < b ? -1 : 1))
  if (first && causes.size >= MOST_CAUSES && !causes.has(messageId)) causes.delete(first[0])
  causes.set(messageId, untilMs)
  const otherwiseMs = paused?.causes ? paused.otherwiseMs : paused?.untilMs
  return {
    untilMs: Math.max(untilMs, paused?.untilMs ?? 0),
    keep: paused?.keep ?? keep,
    causes,
    ...(otherwiseMs === undefined ? {} : { otherwiseMs }),
  }
}

/** `undefined`: the pause ends. */
export function withoutCauses(paused: Paused, messageIds: readonly string[], now: number): Paused | undefined {
  const causes = new Map([...(paused.causes ?? [])].filter(([messageId]) => !messageIds.includes(messageId)))
  const untilMs = Math.max(paused.otherwiseMs ?? 0, ...causes.values())
  if (untilMs <= now) return undefined
  const { keep, otherwiseMs } = paused
  if (causes.size === 0) return { untilMs, keep }
  return { untilMs, keep, causes, ...(otherwiseMs === undefined ? {} : { otherwiseMs }) }
}
