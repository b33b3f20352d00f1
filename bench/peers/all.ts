/** The peers by the names that tables and child processes use. */
import { bullmqList } from './bullmq-list.js'
import { chatSdk } from './chat-sdk.js'
import { pipeline, rpush } from './floors.js'
import { graphile } from './graphile.js'
import { lull } from './lull.js'
import { lullBullmq } from './lull-bullmq.js'
import { lullCommitting } from './lull-committing.js'
import type { Peer } from './peer.js'
import { scan } from './scan.js'
import { textbook } from './textbook.js'
import { thirtyLines } from './thirty-lines.js'

export const LULL = 'Lull'
export const LULL_BULLMQ = 'Lull → BullMQ'
export const LULL_COMMITTING = 'Lull → BullMQ, a worker that commits'
export const BULLMQ = 'BullMQ + list'
export const GRAPHILE = 'graphile-worker'
export const SCAN = 'SCAN every second'
export const TEXTBOOK = 'textbook notifications'
export const CHAT_SDK_DEBOUNCE = 'Chat SDK, debounce'
export const CHAT_SDK_BURST = 'Chat SDK, burst'
export const THIRTY_LINES = 'thirty lines of setTimeout'
export const RPUSH = 'RPUSH'
export const PIPELINE = 'RPUSH + PEXPIRE + SET + PUBLISH'

export const peers: Record<string, Peer> = {
  [LULL]: lull,
  [LULL_BULLMQ]: lullBullmq,
  [LULL_COMMITTING]: lullCommitting,
  [BULLMQ]: bullmqList,
  [GRAPHILE]: graphile,
  [SCAN]: scan,
  [TEXTBOOK]: textbook,
  [CHAT_SDK_DEBOUNCE]: chatSdk('debounce'),
  [CHAT_SDK_BURST]: chatSdk('burst'),
  [THIRTY_LINES]: thirtyLines,
  [RPUSH]: rpush,
  [PIPELINE]: pipeline,
}
