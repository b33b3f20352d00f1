/** The handover to a URL as the settings name it, `LULL_HANDOVER=http`. */
import { z } from 'zod'
import { addressBy, secret, setting, webAddress, whole } from '../config/setting.js'
import { handoverKind } from './kind.js'

const HOUR_MS = 3_600_000

export const httpKind = handoverKind({
  name: 'http',
  whatHappens: 'is POSTed to LULL_HANDOVER_URL',
  remedy: 'the log of the receiver at LULL_HANDOVER_URL says why',
  settings: z.object({
    url: setting('LULL_HANDOVER_URL', 'Where each batch is POSTed.', addressBy(webAddress)),
    secret: setting(
      'LULL_HANDOVER_SECRET',
      'Signs what is POSTed, as [Standard Webhooks](https://www.standardwebhooks.com) say; base64.',
      secret(),
    ),
    timeoutMs: setting('LULL_HTTP_TIMEOUT_MS', 'How long an answer may take.', whole(100, HOUR_MS, 60_000)),
  }),
  shared: ['timeoutMs'],
  lacks: ({ url }) =>
    url === undefined ? 'LULL_HANDOVER_URL is missing: set it to where batches are to be POSTed' : undefined,
  async make({ url = '', ...options }) {
    const { http } = await import('./http.js')
    return http({ url, ...options })
  },
})
