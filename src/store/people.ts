/** The ids of one person, and their conversations. */

/** What is known of one person's ids, as the conversations that they would have. */
export interface Learnt {
  /** The person's conversation. */
  conversationId: string
  /** The other ids, whose conversations may have to be merged into that one: see `merge`. */
  others: string[]
}

/**
 * What a merge of two conversations did: how many messages were moved. `later`: both conversations are held, or more than 5,000 messages wait in them, so that
 * nothing changed. `undefined`: no messages waited and nothing was held, so only the ids of messages seen were moved.
 *
 * Of conversations in different partitions: `later` also if a batch holds `from`, or sealed batches or more than 2,000
 * messages wait in it. If `into` is what cannot be merged now, the messages have left `from`, and are merged when it can.
 */
export type MergeResult = number | 'later' | undefined

/** Ids whose canonical id has changed. */
export interface AliasNews {
  /** Absent where they were forgotten. */
  provider?: string | undefined
  /** The canonical id, as a conversation. Absent where they were forgotten. */
  conversationId?: string | undefined
  /** The ids. */
  aliases: string[]
}

/** Gets what is learnt of people's ids. */
export interface AliasListener {
  /** Ids have another canonical id now. */
  learnt(news: AliasNews): void
  /** The subscription began, or began again: what was learnt before may have been missed. */
  missed(): void
}

/** What a store knows of a person's ids. */
export interface StorePeople {
  /**
   * Remembers for 90 days that ids are one person's. One that shows wins over a hidden one (`@lid`, `@bsuid`), else the
   * one that was known first. Does not merge the conversations.
   * @param provider whose ids these are: an alias of one provider is none of another
   * @param conversationIds of one account; the one in use first
   */
  learn(provider: string, conversationIds: string[]): Promise<Learnt>
  /** The conversation of the person that has this id; the same one if it is no alias. */
  resolve(provider: string, conversationId: string): Promise<string>
  /** All ids of a person, whichever provider knows them: the canonical one first. */
  samePerson(conversationId: string): Promise<string[]>
  /**
   * Moves everything of a conversation into another one, as both are one person's: messages in order of arrival, sealed
   * batches under their ids, the open ones as one that is due at the earlier of the two times. A hold of `from` holds
   * `into` then. Into another partition only an open batch moves, under a new id.
   */
  merge(from: string, into: string): Promise<MergeResult>
}
