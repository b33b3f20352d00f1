/** A role lists itself in Redis while it runs (see presence/presence.ts), together with the webhooks that it refused. */
import { randomBytes } from 'node:crypto'
import { packageVersion } from '../cli/package-files.js'
import type { RoleContext } from '../cli/roles/role.js'
import type { ProcessRegistry } from '../store/store.js'
import type { Rejections } from '../webhook/rejections.js'
import { fingerprintOf, type Presence, sharedSettings } from './presence.js'

/** Anybody can cause refusals, so they are written at most once a minute. */
const NEWS_EVERY_MS = 60_000

const MARK_BYTES = 6

/**
 * Resolves when the role is listed. It is removed when the lifecycle stops, before the store's connection is closed.
 * @returns its mark: `X-Lull-Mark` of its responses
 */
export async function makeKnown(
  { config, lifecycle }: RoleContext,
  role: string,
  processes: ProcessRegistry,
  rejections?: Rejections,
): Promise<string> {
  const settings = sharedSettings(config)
  const mark = randomBytes(MARK_BYTES).toString('hex')
  const presence: Omit<Presence, 'refused'> = {
    role,
    version: packageVersion(),
    startedAtMs: Date.now(),
    fingerprint: fingerprintOf(settings),
    mark,
    settings,
  }
  let news: NodeJS.Timeout | undefined
  const put = () => processes.put(JSON.stringify({ ...presence, refused: rejections?.all ?? [] }))
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
  rejections?.subscribe(() => {
    news ??= setTimeout(write, Math.max(writtenAtMs + NEWS_EVERY_MS - performance.now(), 0))
  })
  return mark
}
