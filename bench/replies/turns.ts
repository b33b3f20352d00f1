/** The turns that the benchmark `reply` replays: when people wrote, from bench/data. */
import { readFile } from 'node:fs/promises'

/** When the messages of one turn were written: seconds since its first message, ascending. */
export type Turn = number[]

const SETS = ['meetup', 'gitter-manual', 'gitter-disentangled']
/**
 * A longer pause begins another turn, since a person who goes on after a minute has got no answer for a minute. It is
 * Lull's default max wait, too.
 */
export const LONGEST_PAUSE_S = 60

/**
 * A fixed sample of `perSet` turns of each set, so that each set has the same weight. It is the same in each run.
 */
export async function sampleTurns(perSet: number): Promise<Turn[]> {
  const random = seeded(14)
  const sample: Turn[] = []
  for (const set of SETS) {
    const file = await readFile(new URL(`../data/${set}.txt`, import.meta.url), 'utf8')
    const turns = turnsOf(file)
    for (let i = 0; i < perSet; i++) {
      const [turn] = turns.splice(Math.floor(random() * turns.length), 1)
      if (turn) sample.push(withFractions(turn, random))
    }
  }
  return sample
}

/** Reads a file of bench/data, and cuts its turns at long pauses. */
export function turnsOf(file: string): Turn[] {
  return file
    .trim()
    .split('\n')
    .flatMap(line => cut(line.split(' ').map(Number)))
}

function cut(times: Turn): Turn[] {
  const turns: Turn[] = []
  let turn: Turn = []
  for (const time of times) {
    if (time - (turn.at(-1) ?? time) > LONGEST_PAUSE_S) {
      turns.push(turn)
      turn = []
    }
    turn.push(time)
  }
  turns.push(turn)
  return turns.map(fromZero)
}

/** The sources have whole seconds. Adds a random fraction, since a pause of exactly 10 s would be a tie with a gap. */
function withFractions(turn: Turn, random: () => number): Turn {
  return fromZero(turn.map(time => time + random()).sort((a, b) => a - b))
}

const fromZero = (turn: Turn): Turn => turn.map(time => time - (turn[0] ?? 0))

/** A generator of numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
