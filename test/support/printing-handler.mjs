// A worker's handler that prints each batch on a line of stdout, then works for WORK_MS.
import { setTimeout as delay } from 'node:timers/promises'

const { WORK_MS = '0' } = process.env

export default async batch => {
  console.log(`BATCH ${JSON.stringify(batch)}`)
  await delay(Number(WORK_MS))
}
