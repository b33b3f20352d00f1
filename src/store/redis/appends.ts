/**
 * Messages in, on Redis: a request as one or more script calls, or a part of one. The memory guard is asked before each.
 */

import type { AppendRequest, AppendResult } from '../store.js'
import { entriesInParts } from './entries.js'
import { GroupedCalls } from './grouped-calls.js'
import type { RedisLink } from './link.js'
import type { MemoryGuard } from './memory-guard.js'
import type { Appended, Appending, Scripts } from './scripts.js'

/** Messages of a request that one script call takes: their arguments are copied to Lua's memory together. */
const MESSAGES_A_PART = 1000
/** Bytes of them, unless one message alone has more: some 5 ms of Redis's time. */
const BYTES_A_PART = 1024 * 1024
/** What requests that go together may have, for one call to have Redis's attention for about two milliseconds. */
const MESSAGES_A_CALL = 100
const BYTES_A_CALL = 128 * 1024

export class Appends {
  private readonly calls: GroupedCalls<Appending, Appended>

  constructor(
    private readonly link: RedisLink,
    scripts: Scripts,
    private readonly memory: MemoryGuard,
    newBatchId: () => string,
  ) {
    this.calls = new GroupedCalls(requests => link.write(() => scripts.append(requests, newBatchId())), shareOf)
  }

  /** A long request goes in parts; what a failure leaves unwritten a repetition completes. */
  async append(request: AppendRequest): Promise<AppendResult> {
    const { conversationId, messages } = request
    const result: AppendResult = { accepted: 0, duplicates: 0, tooOld: 0 }
    await this.link.read(() => this.memory.check())
    for (const entries of entriesInParts(messages, MESSAGES_A_PART, BYTES_A_PART)) {
      const reply = await this.calls.add({ request, entries })
      if (reply instanceof Error) throw await this.link.failed(reply, { conversationId })
      result.accepted += reply.accepted
      result.duplicates += reply.duplicates
      result.tooOld += reply.tooOld
      if (reply.batchId !== '') result.batchId = reply.batchId
      if (reply.dueInMs >= 0) result.dueInMs = reply.dueInMs
      if (reply.accepted > 0) result.listeners = reply.listeners
    }
    return result
  }

  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void> {
    return this.calls.idle()
  }
}

function shareOf({ entries }: Appending): number {
  const bytes = entries.reduce((sum, { bytes: size }) => sum + size, 0)
  return Math.max(entries.length / MESSAGES_A_CALL, bytes / BYTES_A_CALL)
}
