/**
 * The Lua scripts, one typed function each: `giveBack` calls `lua/give-back.lua`. The header of a script says what it
 * does, takes (ARGV, in this order) and returns. Those for messages are in `message-scripts.ts`, those for batches in
 * `batch-scripts.ts`, and here are those for people, accounts and reads.
 */

import { type AccountClaim, MOST_ACCOUNTS } from '../accounts.js'
import { ALIAS_TTL_MS } from '../alias-ttl.js'
import { BatchScripts } from './batch-scripts.js'
import { MessageScripts } from './message-scripts.js'
import type { Move } from './move.js'
import type { ScriptRunner } from './script-runner.js'

export class Scripts {
  readonly messages: MessageScripts
  readonly batches: BatchScripts

  constructor(private readonly runner: ScriptRunner) {
    this.messages = new MessageScripts(runner)
    this.batches = new BatchScripts(runner)
  }

  accountOwner({ account, provider, isProven }: AccountClaim) {
    return this.runner.run<string | null>('account-owner', [account, isProven ? provider : '', MOST_ACCOUNTS])
  }

  putSettings(scope: string, json = '', was = '', most: number) {
    return this.runner.run<'put' | 'changed' | 'full'>('put-settings', [scope, json, was, most, this.runner.db])
  }

  learn(provider: string, conversationIds: string[]) {
    return this.runner.run<[conversationId: string, others: string[]]>('learn', [
      provider,
      ALIAS_TTL_MS,
      ...conversationIds,
    ])
  }

  resolve(provider: string, conversationId: string) {
    return this.runner.run<string>('resolve', [provider, ALIAS_TTL_MS, conversationId])
  }

  samePerson(conversationId: string) {
    return this.runner.run<string[]>('same-person', [conversationId])
  }

  forgetAliases(conversationIds: string[]) {
    return this.runner.run<null>('forget-aliases', conversationIds)
  }

  merge(from: string, into: string) {
    return this.runner.run<number | 'later' | null>('merge', [
      from,
      into,
      this.runner.rules.batchTtlMs,
      this.runner.db,
      ...this.runner.storeRules,
    ])
  }

  renewProcessor(owner: string, ttlMs: number) {
    return this.runner.run<string[]>('renew-processor', [owner, ttlMs])
  }

  /** @param into `''` reads a move that has begun */
  beginMove(from: string, into: string, moveId: string) {
    return this.runner.run<[moveId: string, into: string, moving: string, hadBegun: 0 | 1] | 'later' | null>(
      'begin-move',
      [from, into, moveId],
    )
  }

  /** @param newBatchId for the batch that moves @param keptMs how long the move is remembered */
  takeIn({ id, from, into, moving }: Move, newBatchId: string, keptMs: number) {
    return this.runner.run<[moved: number, batchId: string] | 'later'>('take-in', [
      from,
      into,
      this.runner.rules.batchTtlMs,
      this.runner.db,
      ...this.runner.storeRules,
      id,
      newBatchId,
      keptMs,
      moving,
    ])
  }

  endMove({ id, from }: Move, batchId: string) {
    return this.runner.run<null>('end-move', [from, id, batchId, this.runner.db, ...this.runner.storeRules])
  }

  /** @param shown how many of the last messages, and up to how many bytes of them */
  conversation(conversationId: string, shown: { messages: number; bytes: number }) {
    return this.runner.run<
      [
        nowMs: number,
        waiting: number,
        header: (string | null)[],
        holder: string,
        holderIsClaimed: number,
        entries: string[],
        dueSince: string,
        state: string,
      ]
    >('conversation', [conversationId, shown.messages, shown.bytes])
  }

  conversations(limit: number) {
    return this.runner.run<[nowMs: number, dueWithScores: string[], counts: string[], heldPairs: string[]]>(
      'conversations',
      [limit],
    )
  }

  paused(limit: number) {
    return this.runner.run<[nowMs: number, conversationsWithEnds: string[]]>('paused', [limit])
  }

  totals() {
    return this.runner.run<[open: number, held: number, dead: number, oldestDueAgeMs: number]>('totals', [])
  }

  /** Resolves to what the server refuses; one line each. */
  probe() {
    return this.runner.run<string[]>('probe', [])
  }

  writable() {
    return this.runner.run<1>('writable', [])
  }
}
