/** A conversation that moves into another partition: see `moves.ts`. */
export interface Move {
  id: string
  from: string
  into: string
  /** What moves, as `begin-move` wrote it. */
  moving: string
  /** Another call has begun it. */
  hadBegun: boolean
}

export interface Taken {
  moved: number
  /** The batch that has the messages now; `''` if there were none. */
  batchId: string
}
