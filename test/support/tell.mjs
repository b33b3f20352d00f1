// A worker's handler that tells, on stdout, what it got: a line a batch. It takes TELL_MS over each.
import { setTimeout as delay } from 'node:timers/promises'

const { TELL_MS = '0' } = process.env

export default async batch => {
  console.log(`BATCH ${JSON.stringify(batch)}`)
  await delay(Number(TELL_MS))
}
