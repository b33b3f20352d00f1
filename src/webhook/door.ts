/** Webhooks that are refused for another reason than their proof: which of the counted reasons an error is. */
import { Refusal } from '../http/refusal.js'
import { UnreadableBody } from '../providers/provider.js'
import type { RejectionReason } from './rejections.js'

const BY_STATUS: Readonly<Record<number, RejectionReason>> = {
  400: 'malformed',
  404: 'path',
  405: 'method',
  413: 'too_large',
  415: 'encoding',
  503: 'busy',
}

/** `undefined`: the error was counted where it was thrown (401, 403), or the sender did not cause it (500). */
export function doorReason(error: unknown): RejectionReason | undefined {
  if (error instanceof UnreadableBody) return 'malformed'
  if (error instanceof Refusal) return BY_STATUS[error.status]
  // By name: the store may come from the CommonJS build and this file from the ESM one, whose classes differ.
  const name = error instanceof Error ? error.name : ''
  return name === 'StoreUnavailable' || name === 'ForeignKey' ? 'unavailable' : undefined
}
