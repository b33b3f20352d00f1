/** Every route that clients may call. A route of a new family is described in a file here, and listed. */
import type { Operation } from '../operation.js'
import { batchOperations } from './batches.js'
import { conversationOperations } from './conversations.js'
import { messageOperations } from './messages.js'
import { settingsOperations } from './settings.js'
import { systemOperations } from './system.js'
import { timingOperations } from './timing.js'
import { webhooks } from './webhooks.js'

export const OPERATIONS: readonly Operation[] = [
  ...webhooks,
  ...conversationOperations,
  ...messageOperations,
  ...timingOperations,
  ...batchOperations,
  ...settingsOperations,
  ...systemOperations,
]
