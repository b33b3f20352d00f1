import { randomBytes } from 'node:crypto'

const BYTES = 12

/** A batch's id: 96 random bits. The letter in front keeps it from being an integer, which BullMQ refuses. */
export const newBatchId = () => `b${randomBytes(BYTES).toString('base64url')}`
