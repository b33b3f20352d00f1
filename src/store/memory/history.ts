/**
 * The history: one entry a step of a batch's life, without texts, the oldest forgotten. Ids are those of a Redis stream.
 */
import { messageFrom } from '../redis/entries.js'
import type { HistoryEntry, HistoryStep } from '../store.js'
import { Listeners } from './listeners.js'

/** A message as it waits: its JSON, so that what comes out is what went in, whatever the caller does to its object. */
export interface Entry {
  receivedAtMs: number
  json: string
  bytes: number
}

const HISTORY_LENGTH = 10_000
/** How far it may outgrow that before it is trimmed, so that not every entry moves all others. */
const TRIM_STEP = 1000

export class History {
  readonly followers = new Listeners<HistoryEntry>()
  private readonly entries: HistoryEntry[] = []
  private lastAtMs = 0
  private sequence = 0

  record(
    atMs: number,
    step: HistoryStep,
    batchId: string,
    conversationId: string,
    detail: Record<string, string | number>,
  ): void {
    this.sequence = atMs === this.lastAtMs ? this.sequence + 1 : 0
    this.lastAtMs = atMs
    const texts = Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, String(value)]))
    const entry = { id: `${atMs}-${this.sequence}`, atMs, step, conversationId, batchId, detail: texts }
    this.entries.push(entry)
    this.followers.tell(entry)
    if (this.entries.length >= HISTORY_LENGTH + TRIM_STEP) this.entries.splice(0, TRIM_STEP)
  }

  /** Erases a conversation's entries; returns how many there were. */
  forget(conversationId: string): number {
    const kept = this.entries.filter(entry => entry.conversationId !== conversationId)
    return this.entries.splice(0, this.entries.length, ...kept).length - kept.length
  }

  /** The newest `limit` entries, newest first, of one conversation or of all. */
  newest(limit: number, conversationId?: string): HistoryEntry[] {
    const found: HistoryEntry[] = []
    for (let i = this.entries.length - 1; i >= 0 && found.length < limit; i--) {
      const entry = this.entries[i]
      if (entry && (conversationId === undefined || entry.conversationId === conversationId))
        found.push({ ...entry, detail: { ...entry.detail } })
    }
    return found
  }
}

/** The history names this many messages of a batch, by so many characters of their ids. */
const IDS_RECORDED = 100
export const ID_RECORDED = 80

/** Ids of messages, as the history names them. */
export const idsRecorded = (entries: Entry[]): string =>
  JSON.stringify(entries.slice(0, IDS_RECORDED).map(({ json }) => idIn(json).slice(0, ID_RECORDED)))

/** When they came, in milliseconds from the first. */
export const timesRecorded = (entries: Entry[]): string =>
  JSON.stringify(
    entries.slice(0, IDS_RECORDED).map(({ receivedAtMs }) => receivedAtMs - (entries[0]?.receivedAtMs ?? 0)),
  )

function idIn(json: string): string {
  const { messageId } = messageFrom(json)
  return messageId
}
