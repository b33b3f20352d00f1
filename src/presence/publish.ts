/** Publishes a role's presence while it runs, with the webhooks that it has refused (see presence.ts). */
import { randomBytes } from 'node:crypto'
import { packageVersion } from '../cli/package-files.js'
import { webhookTrust } from '../cli/roles/exposure.js'
import type { Starting } from '../cli/roles/role.js'
import type { ProcessRegistry } from '../store/store.js'
import type { Rejections } from '../webhook/rejections.js'
import { fingerprintOf, type Presence, sharedSettings } from './presence.js'

/** Anybody can cause refusals, so they are published at most once a minute. */
const PUBLISH_EVERY_MS = 60_000

const MARK_BYTES = 6

/** A process's mark: `X-Lull-Mark` of its responses. */
export const newMark = () => randomBytes(MARK_BYTES).toString('hex')

/**
 * Publishes it, and withdraws it when the lifecycle stops. Call it after the store was added to the lifecycle.
 */
export async function publishPresence(
  { config, lifecycle }: Starting,
  role: string,
  processes: ProcessRegistry,
  { mark = newMark(), rejections }: { mark?: string; rejections?: Rejections } = {},
): Promise<void> {
  const settings = sharedSettings(config)
  const presence: Omit<Presence, 'refused'> = {
    role,
    version: packageVersion(),
    startedAtMs: Date.now(),
    fingerprint: fingerprintOf(settings),
    mark,
    settings,
    ...(role === 'api' ? { trust: webhookTrust(config) } : {}),
  }
  let timer: NodeJS.Timeout | undefined
  const put = () => processes.put(JSON.stringify({ ...presence, refused: rejections?.all ?? [] }))
  await put()
  let isWithdrawn = false
  await lifecycle.add(`the presence of the ${role}`, async () => {
    isWithdrawn = true
    clearTimeout(timer)
    await processes.remove()
  })
  let writtenAtMs = Number.NEGATIVE_INFINITY
  const write = () => {
    timer = undefined
    writtenAtMs = performance.now()
    void put()
  }
  rejections?.subscribe(() => {
    // The API still serves what it has accepted.
    if (isWithdrawn) return
    timer ??= setTimeout(write, Math.max(writtenAtMs + PUBLISH_EVERY_MS - performance.now(), 0))
  })
}
