export { AnswerTimeout, LeaseLost, ProcessorStopping } from './abort-reasons.js'
export type { Batch, Message, MessageType, NewMessage, ReleaseReason, StoredMessage } from './batch.js'
export {
  type Appender,
  type AppendMessage,
  type AppendOptions,
  Batcher,
  type BatcherOptions,
  type BatchingOptions,
} from './batcher.js'
export { type ConversationParts, conversationIdOf, parseConversationId } from './conversation.js'
export { type BullmqOptions, bullmq } from './handover/bullmq.js'
export type { Committed } from './handover/commits.js'
export type { CommittingContext, CommittingHandle, Handle, HandleContext } from './handover/function.js'
export type {
  AnswerState,
  Handover,
  HandoverContext,
  HandoverEvents,
  HandoverItem,
  HandoverOutcome,
} from './handover/handover.js'
export { type HttpHandoverOptions, http } from './handover/http.js'
export type { Logger } from './logger.js'
export type { CommitOutcome, NudgeKind, Observer, SupersededWhen } from './observer.js'
export type { PausedConversation, PauseOptions } from './pause.js'
export { type Destination, type ProcessingOptions, Processor, type ProcessorOptions } from './processor/processor.js'
export type { ProvidersOptions } from './providers/registry.js'
export type { ReadyOptions } from './ready-within.js'
export type { RuleOptions, Rules } from './rules.js'
export type { Edited, Held, ScopeView, SettingsEditor } from './settings/edit.js'
export type { ConversationSettings, Overrides } from './settings/overrides.js'
export type { GivenRules, RulesFor, RulesPlace } from './settings/rule-book.js'
export type { StoredScope } from './settings/snapshot.js'
export { MemoryStore, type MemoryStoreOptions } from './store/memory/store.js'
export type { ClusterSeeds, RedisAddress, ServerOptions } from './store/redis/address.js'
export type { RedisClient, RedisClusterClient, RedisSource } from './store/redis/source.js'
export { RedisStore, type RedisStoreOptions } from './store/redis/store.js'
export {
  type AccountClaim,
  type AnswerOutcome,
  type AppendResult,
  type ConversationState,
  type ConversationSummary,
  type DeadBatch,
  type EditRequest,
  type EditResult,
  ForeignKey,
  type ForgetResult,
  type HistoryEntry,
  type HistoryStep,
  type PauseResult,
  type RevokeResult,
  type Store,
  type StoreIdentity,
  StoreUnavailable,
  type Totals,
} from './store/store.js'
export type { CommonOptions, GivenStoreOptions, StoreOnRedisOptions, StoreOptions } from './store/store-options.js'
export { Superseded } from './superseded.js'
export { toFastify } from './webhook/fastify.js'
export { type WebhookOptions, webhook } from './webhook/fetch.js'
export type { Identify, Person } from './webhook/identity.js'
export { toKoa } from './webhook/koa.js'
export { toNode } from './webhook/node.js'
export type { RejectionReason } from './webhook/rejections.js'
export { type AnsweringOptions, answering, type BatchJob, type JobAnswering } from './worker/answering.js'
export { type AttemptedJob, type ToBullmqOptions, toBullmq } from './worker/to-bullmq.js'
