/**
 * Which conversation a person's id belongs to. WhatsApp names one person by phone number (`@c.us`), by hidden id
 * (`@lid`) and by business-scoped id (`@bsuid`), and bodies switch between them.
 *
 *   learn     a body shows several ids of one person: the store remembers them
 *   resolve   a body shows a hidden id alone: the store is asked. A phone number needs no look-up
 *   merge     the conversations that the other ids had before become one with the person's
 *
 * Answers are cached for half a minute, so a busy person costs no command. Other processes publish what they learn. If
 * such a message is lost, the cache's end corrects it: whatever is looked up anew is merged anew.
 */

import type { Logger } from '../logger.js'
import { isHiddenId } from '../providers/chat-id.js'
import type { AliasNews, Store } from '../store/store.js'

/** The methods of a store that this needs: `Batcher.aliases`. */
export type Aliases = Pick<Store, 'learn' | 'resolve' | 'samePerson' | 'merge' | 'followAliases'>

/** Ids of one person, as the conversations that they would have; the one that the body uses first. */
export interface PersonIds {
  provider: string
  ids: readonly string[]
  /**
   * Where the person writes: a group that has a conversation for each member, or `undefined`: a chat of the two alone.
   */
  groups: readonly (string | undefined)[]
}

/** The conversation that messages of a person's id go to. */
export type ConversationName = (provider: string, id: string, group: string | undefined) => string | Promise<string>

interface Known {
  /** The person's id; the id itself if it is no alias. */
  personId: string
  untilMs: number
  /** Conversations that were merged since, by their names. */
  merged: Set<string>
  /** Where messages were sent while the id was thought to be no alias. */
  uses: Set<string | undefined>
}

const CACHED_MS = 30_000
const MOST_CACHED = 10_000
/** How often the store is asked for one answer while news comes. */
const MOST_ASKED = 3
/** Chats of one person that are merged at once if another process learns the person's ids. */
const MOST_USES = 32

/** A phone number alone is the person's id. */
export const needsLookUp = ({ ids: [id = '', ...others] }: PersonIds): boolean => others.length > 0 || isHiddenId(id)

export class People {
  private readonly known = new Map<string, Map<string, Known>>()
  private following = false
  /** How often something may have changed. */
  private news = 0

  constructor(
    private readonly aliases: Aliases,
    private readonly conversationName: ConversationName,
    private readonly log: Logger,
  ) {}

  /**
   * Resolves to the person's id, when the conversations of the other ids are merged.
   * @throws {StoreUnavailable} and {ForeignKey} as an append
   */
  async idOf(person: PersonIds): Promise<string> {
    const { provider, ids, groups } = person
    const [id = ''] = ids
    if (!needsLookUp(person)) return id
    this.follow()
    const { personId, others } = ids.length > 1 ? await this.learn(person) : await this.resolve(provider, id)
    for (const other of others) if (other !== personId) await this.merge(person, other, personId)
    const uses = isHiddenId(personId) ? this.cached(provider, personId)?.uses : undefined
    for (const group of groups) if (uses && uses.size < MOST_USES) uses.add(group)
    return personId
  }

  /** All ids that are known to be the person's. @throws {StoreUnavailable} and {ForeignKey} as an append */
  async idsOf(personId: string): Promise<string[]> {
    return this.aliases.samePerson(personId)
  }

  /**
   * To be called after something was stored under an id: if that has become an alias meanwhile, it is merged now. Never
   * rejects: the next message of the person merges it.
   */
  async recheck(person: PersonIds, usedId: string): Promise<void> {
    const { provider } = person
    if (!isHiddenId(usedId) || this.cached(provider, usedId)?.personId === usedId) return
    // It may have been merged before that was stored.
    this.known.get(usedId)?.delete(provider)
    await this.mergeLater({ ...person, ids: [usedId] })
  }

  private async learn({ provider, ids }: PersonIds): Promise<{ personId: string; others: readonly string[] }> {
    const [first] = ids
    const personId = first === undefined ? undefined : this.cached(provider, first)?.personId
    if (personId !== undefined && ids.every(id => this.cached(provider, id)?.personId === personId))
      return { personId, others: ids }
    const { conversationId, others } = await this.upToDate(() => this.aliases.learn(provider, [...ids]))
    for (const id of [conversationId, ...others]) this.remember(provider, id, conversationId)
    return { personId: conversationId, others }
  }

  private async resolve(provider: string, id: string): Promise<{ personId: string; others: string[] }> {
    const cached = this.cached(provider, id)?.personId
    if (cached !== undefined) return { personId: cached, others: [id] }
    const personId = await this.upToDate(() => this.aliases.resolve(provider, id))
    this.remember(provider, id, personId)
    if (personId !== id && this.cached(provider, personId) === undefined) this.remember(provider, personId, personId)
    return { personId, others: [id] }
  }

  /** Asks again if news came before the reply: the reply may be from before the news. */
  private async upToDate<Reply>(ask: () => Promise<Reply>): Promise<Reply> {
    for (let asked = 1; ; asked++) {
      const before = this.news
      const reply = await ask()
      if (this.news === before || asked === MOST_ASKED) return reply
    }
  }

  private async merge({ provider, groups }: PersonIds, other: string, personId: string): Promise<void> {
    const merged = this.cached(provider, other)?.merged
    for (const group of groups) {
      const from = await this.conversationName(provider, other, group)
      if (merged?.has(from)) continue
      const into = await this.conversationName(provider, personId, group)
      if (from === into || (await this.aliases.merge(from, into)) !== 'later') merged?.add(from)
    }
  }

  private cached(provider: string, id: string): Known | undefined {
    const known = this.known.get(id)?.get(provider)
    return known && known.untilMs > performance.now() ? known : undefined
  }

  private remember(provider: string, id: string, personId: string): Known {
    const known: Known = { personId, untilMs: performance.now() + CACHED_MS, merged: new Set(), uses: new Set() }
    const byProvider = this.known.get(id) ?? new Map<string, Known>()
    byProvider.set(provider, known)
    this.known.delete(id)
    this.known.set(id, byProvider)
    const [oldest] = this.known.keys()
    if (oldest !== undefined && this.known.size > MOST_CACHED) this.known.delete(oldest)
    return known
  }

  /** The subscription ends with the store. */
  private follow(): void {
    if (this.following) return
    this.following = true
    this.aliases.followAliases({ learnt: news => this.learnt(news), missed: () => this.missed() }).catch(error => {
      this.log.warn(
        { err: error },
        `what other processes learn of a person's ids is known here only after ${CACHED_MS / 1000} s: the subscription failed`,
      )
    })
  }

  private missed(): void {
    this.news += 1
    const all = [...this.known]
    this.known.clear()
    for (const [id, byProvider] of all)
      for (const [provider, { uses }] of byProvider)
        if (uses.size > 0) void this.mergeLater({ provider, ids: [id], groups: [...uses] })
  }

  private learnt({ provider, conversationId, aliases }: AliasNews): void {
    this.news += 1
    for (const id of aliases) {
      const byProvider = this.known.get(id)
      for (const [name, known] of byProvider ?? []) {
        if (provider !== undefined && (provider !== name || known.personId === conversationId)) continue
        byProvider?.delete(name)
        if (known.uses.size > 0) void this.mergeLater({ provider: name, ids: [id], groups: [...known.uses] })
      }
    }
  }

  private async mergeLater(person: PersonIds): Promise<void> {
    try {
      await this.idOf(person)
    } catch (error) {
      this.log.warn(
        { err: error, conversationId: person.ids[0] },
        'two conversations of one person are not merged yet: the next message does it',
      )
    }
  }
}
