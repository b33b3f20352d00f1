/**
 * The ids in a webhook's items become those of persons: phone numbers in one form, hidden ids resolved (`people.ts`),
 * and at last what the user's own `identify` makes of them.
 */
import { conversationIdOf, parseConversationId } from '../conversation.js'
import type { Logger } from '../logger.js'
import { isHiddenId } from '../providers/chat-id.js'
import { oneForm } from '../providers/phone-forms.js'
import type { Item, PlacedItem } from '../providers/provider.js'
import type { ProviderName } from '../providers/provider-types.js'
import { within } from '../within.js'
import { type Aliases, needsLookUp, People, type PersonIds } from './people.js'
import type { Groups } from './steps.js'
import { type Storing, Twins } from './twins.js'

/** A person, as `identify` is asked. */
export interface Person {
  /** Whose webhook names the person. */
  provider: ProviderName
  /** The receiving account, if the provider names it. */
  account?: string
  /** The person's id, such as `79990000011@c.us`. */
  id: string
  /** The group that the person writes in, if each member of it has a conversation. */
  group?: string
}

/**
 * The id by which a business knows a person; `undefined`: the same id. It must give one person one id every time, and
 * fast, because a webhook waits for it. If it fails or takes longer than a second, the id stays as it is.
 */
export type Identify = (person: Person) => string | undefined | Promise<string | undefined>

export interface IdentityOptions {
  groups: Groups
  log: Logger
  /** Absent: hidden ids are persons of their own. */
  aliases?: Aliases | undefined
  identify?: Identify | undefined
}

export interface Identified {
  items: Item[]
  /** Call it when the items are stored. Never rejects. Absent if nobody was looked up. */
  recheck?(): Promise<void>
}

/** Whether an account belongs to another provider. */
type IsOthers = (account: string | undefined) => boolean | Promise<boolean>

const IDENTIFY_MS = 1000
/** How long the second delivery of a message waits for the first, under another id. */
const TWIN_MS = 2000
const LONGEST_ID = 512
/** Persons of one webhook that are looked up at the same time. */
const PERSONS_AT_ONCE = 32

interface Lookup {
  person: PersonIds
  account: string | undefined
  group: string | undefined
  /**
   * What was found: the id of the person in the store, as a conversation, and the id by which the business knows the
   * person.
   */
  name: string
  id: string
  /**
   * Only its author may correct a message in a group. The author may use any of the person's ids, so all are needed.
   */
  isAuthor: boolean
  all?: string[]
  /** The account belongs to another provider, so that nothing of it is read or written. */
  isOthers?: boolean
  /** Deliveries that have one of the messages under another id. */
  after: Promise<void>[]
}

export class Identities {
  private readonly people: People | undefined
  private readonly twins: Twins
  private readonly groups: Groups
  private readonly identify: Identify | undefined
  private readonly log: Logger

  constructor({ groups, log, aliases, identify }: IdentityOptions) {
    this.groups = groups
    this.identify = identify
    this.log = log
    this.twins = new Twins()
    this.people = aliases && new People(aliases, (...person) => this.conversationName(...person), log)
  }

  /**
   * @param isOthers whether an account belongs to another provider: its ids stay as they are
   * @throws {StoreUnavailable} and {ForeignKey} as an append
   */
  of(items: Item[], provider: string, isOthers: IsOthers, storing: Storing): Identified | Promise<Identified> {
    const persons = items.map(item => this.personIn(item, provider, storing))
    if (persons.every(person => person === undefined)) return { items }
    return this.lookedUp(items, persons, isOthers)
  }

  private async lookedUp(items: Item[], persons: (Lookup | undefined)[], isOthers: IsOthers): Promise<Identified> {
    const lookups = new Map<string, Lookup>()
    for (const [i, lookup] of persons.entries()) {
      if (lookup === undefined) continue
      const key = JSON.stringify([lookup.person.ids, lookup.group, lookup.isAuthor])
      const known = lookups.get(key) ?? lookup
      if (known !== lookup) known.after.push(...lookup.after)
      persons[i] = known
      lookups.set(key, known)
    }
    const all = [...lookups.values()]
    for (let start = 0; start < all.length; start += PERSONS_AT_ONCE)
      await Promise.all(all.slice(start, start + PERSONS_AT_ONCE).map(lookup => this.lookUp(lookup, isOthers)))
    return {
      items: items.map((item, i) => this.withPerson(item, persons[i])),
      recheck: async () => {
        for (const { person, name, isOthers } of all) if (!isOthers) await this.people?.recheck(person, name)
      },
    }
  }

  /** The person who wrote, or whose chat it is. `undefined`: the item stays as it is. */
  private personIn(item: Item, provider: string, storing: Storing): Lookup | undefined {
    if (item.kind === 'ignored' || item.kind === 'unplaced') return undefined
    const { account, chatId, isGroup, samePerson = [] } = item
    if (isGroup && this.groups === 'ignore') return undefined
    const used = isGroup ? senderOf(item) : chatId
    const messageId = item.kind === 'message' && !isGroup ? item.message.messageId : undefined
    const twin =
      messageId === undefined ? undefined : this.twins.noted({ provider, account, messageId, chatId, storing })
    const given = [used, ...samePerson, twin?.chatId].filter(id => id !== undefined)
    const ids = [...new Set(given.map(oneForm))]
    const [id] = ids
    const isAuthor = isGroup && (item.kind === 'edit' || item.kind === 'revoke')
    // If the group is one conversation, a person matters only when a body shows two ids of the person.
    if (id === undefined || (isGroup && this.groups === 'byChat' && ids.length === 1 && !isAuthor)) return undefined
    const group = isGroup && this.groups === 'bySender' ? chatId : undefined
    // Nearly all messages: a phone number alone, in a chat of two.
    if (!isGroup && ids.length === 1 && id === chatId && this.identify === undefined && !isHiddenId(id))
      return undefined
    const names = ids.map(each => conversationIdOf({ ...optional(account), chatId: each }))
    return {
      person: { provider, ids: names, groups: group === undefined ? [undefined] : [undefined, group] },
      account,
      group,
      name: names[0] ?? '',
      id,
      isAuthor,
      after: twin?.after === undefined ? [] : [twin.after],
    }
  }

  private async lookUp(lookup: Lookup, isOthers: IsOthers): Promise<void> {
    const { person, account, group } = lookup
    const needsStore = this.people !== undefined && (needsLookUp(person) || lookup.isAuthor)
    if (needsStore || this.identify !== undefined) lookup.isOthers = await isOthers(account)
    if (lookup.isOthers) return
    if (lookup.after.length > 0)
      await within(
        Promise.all(lookup.after).then(() => {}),
        TWIN_MS,
        () => {},
      )
    if (this.people) lookup.name = await this.people.idOf(person)
    if (this.people && lookup.isAuthor)
      lookup.all = (await this.people.idsOf(lookup.name)).map(name => parseConversationId(name).chatId)
    lookup.id = await this.identified({
      provider: person.provider,
      id: parseConversationId(lookup.name).chatId,
      ...optional(account),
      ...(group === undefined ? {} : { group }),
    })
  }

  private withPerson(item: Item, lookup: Lookup | undefined): Item {
    if (lookup === undefined || item.kind === 'ignored' || item.kind === 'unplaced') return item
    const { id } = lookup
    if (item.isGroup) {
      const samePerson = [...(item.samePerson ?? []), ...(lookup.all ?? [])]
      const known = samePerson.length > 0 ? { ...item, samePerson } : item
      return this.groups === 'bySender' ? withSender(known, id) : known
    }
    if (id === item.chatId) return item
    // What the provider calls the chat: a bot that answers may need it.
    if (item.kind === 'message')
      return { ...item, chatId: id, message: { ...item.message, senderId: item.message.senderId ?? item.chatId } }
    return { ...item, chatId: id }
  }

  private async conversationName(provider: string, name: string, group: string | undefined): Promise<string> {
    const { account, chatId } = parseConversationId(name)
    const id = await this.identified({
      provider,
      id: chatId,
      ...optional(account),
      ...(group === undefined ? {} : { group }),
    })
    return conversationIdOf({ ...optional(account), chatId: group === undefined ? id : `${group}/${id}` })
  }

  private async identified(person: Person): Promise<string> {
    if (this.identify === undefined) return person.id
    try {
      const id: unknown = await within(Promise.resolve(this.identify(person)), IDENTIFY_MS, () => {
        throw new Error(`it takes longer than ${IDENTIFY_MS} ms`)
      })
      if (id === undefined) return person.id
      if (typeof id === 'string' && id !== '' && id.length <= LONGEST_ID) return id
      throw new TypeError(`it returned ${String(id).slice(0, 80)}: return a text of 1 to ${LONGEST_ID} characters`)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.log.warn({ id: person.id, provider: person.provider }, `identify failed, the id stays: ${why}`)
      return person.id
    }
  }
}

const optional = (account: string | undefined) => (account === undefined ? {} : { account })

function senderOf(item: PlacedItem): string | undefined {
  if (item.kind === 'message') return item.message.senderId
  return item.kind === 'own' || item.kind === 'person' ? undefined : item.senderId
}

/** The member of a group whose conversation this belongs to. The message keeps the provider's id of its sender. */
const withSender = (item: PlacedItem, id: string): PlacedItem => ({ ...item, personId: id })
