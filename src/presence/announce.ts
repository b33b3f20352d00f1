/** A role makes itself known in Redis while it runs (see presence/presence.ts), and refused webhooks with it. */
import { randomBytes } from 'node:crypto'
import { packageVersion } from '../cli/package-files.js'
import type { RoleContext } from '../cli/roles/role.js'
import type { ProcessRegistry } from '../store/store.js'
import { fingerprintOf, type Presence, sharedSettings } from './presence.js'

/** Anybody can make an API refuse: what it says of that costs a write a minute. */
const NEWS_EVERY_MS = 60_000

const MARK_BYTES = 6

export interface PresenceOfRole {
  mark: string
  refused(provider: string, reason: string): void
}

/** Resolves when it is known; withdrawn when the lifecycle stops, before the store that it stands in. */
export async function makeKnown(
  { config, lifecycle }: RoleContext,
  role: string,
  processes: ProcessRegistry,
): Promise<PresenceOfRole> {
  const settings = sharedSettings(config)
  const mark = randomBytes(MARK_BYTES).toString('hex')
  const presence: Presence = {
    role,
    version: packageVersion(),
    startedAtMs: Date.now(),
    fingerprint: fingerprintOf(settings),
    mark,
    settings,
    refused: [],
  }
  let news: NodeJS.Timeout | undefined
  const put = () => processes.put(JSON.stringify(presence))
  await put()
  await lifecycle.add(`what the ${role} says of itself`, async () => {
    clearTimeout(news)
    await processes.remove()
  })
  let writtenAtMs = Number.NEGATIVE_INFINITY
  const write = () => {
    news = undefined
    writtenAtMs = performance.now()
    void put()
  }
  return {
    mark,
    refused(provider, reason) {
      const known = presence.refused.find(one => one.provider === provider && one.reason === reason)
      const counted = known ?? { provider, reason, count: 0, lastAtMs: 0 }
      if (!known) presence.refused.push(counted)
      counted.count += 1
      counted.lastAtMs = Date.now()
      news ??= setTimeout(write, Math.max(writtenAtMs + NEWS_EVERY_MS - performance.now(), 0))
    },
  }
}
