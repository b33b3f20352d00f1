/** Compares secrets in constant time. */
import { hash, timingSafeEqual } from 'node:crypto'

/** Whether two secrets are equal. The time this takes shows neither where they differ nor how long they are. */
export const equalInTime = (a: string, b: string) => timingSafeEqual(digest(a), digest(b))

const digest = (text: string) => hash('sha256', text, 'buffer')
