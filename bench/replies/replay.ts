/** The replay of turns in compressed time: when which message is sent, and to which conversation. */
import { seeded, type Turn } from './turns.js'

/** A second of a conversation takes 40 ms here, so lateness of 5 ms counts as 0.125 s. */
export const FASTER = 25
/** Seconds of the conversation as milliseconds of the replay. */
export const scaled = (seconds: number) => Math.round((seconds * 1000) / FASTER)
/** Milliseconds of the replay as seconds of the conversation. */
export const secondsOf = (ms: number) => (ms * FASTER) / 1000

const WARM_TURNS = 200
const WARM_EVERY_MS = 5
const PREFIX = 'turn-'

/** The number of the turn that this conversation is; `undefined` for one that only warms up. */
export const turnOf = (conversation: string): number | undefined =>
  conversation.startsWith(PREFIX) ? Number(conversation.slice(PREFIX.length)) : undefined
/** The number of the message in its turn. */
export const messageOf = (id: string): number => Number(id.slice(1))

export interface Sending {
  order: [conversation: string, messageId: string, atMs: number]
  turn: number
  isLast: boolean
}

/** Each turn is a conversation. They begin at random times, so that the longest just fits. Ordered by time. */
export function sendingsOf(sample: Turn[]): Sending[] {
  const random = seeded(1)
  const lengthOf = (turn: Turn) => turn.at(-1) ?? 0
  const longest = Math.max(...sample.map(lengthOf))
  return sample
    .flatMap((times, turn) => {
      const begins = random() * (longest - lengthOf(times))
      return times.map(
        (time, i): Sending => ({
          order: [`${PREFIX}${turn}`, `m${i}`, scaled(begins + time)],
          turn,
          isLast: i === times.length - 1,
        }),
      )
    })
    .sort((a, b) => a.order[2] - b.order[2])
}

/** Turns of one message, so that compiling code and opening connections is not measured. */
export const warmUp = (): Sending['order'][] =>
  Array.from({ length: WARM_TURNS }, (_, i) => [`warm-${i}`, 'm0', i * WARM_EVERY_MS])
