export { AnswerTimeout, LeaseLost, ProcessorStopping } from './abort-reasons.js'
export type { Batch, Message, MessageType, NewMessage, ReleaseReason, SharedContact, StoredMessage } from './batch.js'
export {
  type Appender,
  type AppendMessage,
  type AppendOptions,
  Batcher,
  type BatcherOptions,
  type BatchingOptions,
  type HistoryQuery,
} from './batcher.js'
export { type ConversationParts, conversationIdOf, parseConversationId } from './conversation.js'
export type { ConversationRule, OwnRules, RulesInUse } from './conversation-rules.js'
export type { CommitStore, Committed } from './handover/answering-run.js'
export { type BullmqOptions, bullmq } from './handover/bullmq.js'
export type { Answering, Commits, CommitsOptions } from './handover/commits.js'
export type { CommittingContext, CommittingHandle, Handle, HandleContext } from './handover/function.js'
export type {
  AnswerState,
  Handover,
  HandoverContext,
  HandoverEvents,
  HandoverItem,
  HandoverOutcome,
  TracedHandover,
} from './handover/handover.js'
export { type HttpHandoverOptions, http } from './handover/http.js'
export type { BodyBoundsOptions } from './http/body-bounds.js'
export type { Logger } from './logger.js'
export type { CommitOutcome, Counts, NudgeKind, Observer, SupersededWhen } from './observer.js'
export type { OnOwnMessage, OwnArrival, OwnResult, OwnRule } from './own-messages.js'
export type { PausedConversation, PauseOptions } from './pause.js'
export {
  type Destination,
  type ProcessingOptions,
  Processor,
  type ProcessorOptions,
  type ProcessorStopOptions,
} from './processor/processor.js'
export type { OwnMessage } from './providers/provider.js'
export type { KnownProvider, ProviderName, ProvidersOptions } from './providers/provider-types.js'
export type { ReadyOptions } from './ready-within.js'
export type { ConversationSettings, Rules } from './rule-types.js'
export type { RuleOptions } from './rules.js'
export type { Edited, Held, ScopeView, SettingsEditor } from './settings/edit.js'
export type { OverrideName, Overrides } from './settings/overrides.js'
export type { GivenRules, RulesFor, RulesPlace } from './settings/rule-book.js'
export type { StoredScope } from './settings/snapshot.js'
export type { DeploymentOptions } from './store/deployment.js'
export { MemoryStore, type MemoryStoreOptions } from './store/memory/store.js'
export type { ClusterSeeds, RedisAddress, ServerOptions } from './store/redis/address.js'
export type { RedisClient, RedisClusterClient, RedisSource } from './store/redis/source.js'
export { RedisStore, type RedisStoreOptions } from './store/redis/store.js'
export type { Sessions } from './store/sessions.js'
export type { SettingsChange, SettingsListener, SettingsStore, StoredRules } from './store/settings.js'
export {
  type AccountClaim,
  type AliasListener,
  type AliasNews,
  type AnswerCheck,
  type AnsweredResult,
  type AnswerOutcome,
  type AppendRequest,
  type AppendResult,
  type ClaimedBatch,
  type ClaimRequest,
  type ClaimResult,
  type CommitResult,
  type ConversationState,
  type ConversationSummary,
  type DeadBatch,
  type DeadNotice,
  type EditRequest,
  type EditResult,
  type ExtendOptions,
  ForeignKey,
  type ForgetResult,
  type Growth,
  type GrowthListener,
  type HistoryEntry,
  type HistoryStep,
  type HoldState,
  type Learnt,
  type Lease,
  type LostLease,
  type MergeResult,
  type NackRequest,
  type NackResult,
  type Notifications,
  type OwnMessageState,
  type PauseRequest,
  type PauseResult,
  type ProcessorList,
  type ProcessRegistry,
  type RevokeResult,
  type Store,
  type StoreEvent,
  type StoreEvents,
  type StoreIdentity,
  type StorePeople,
  type StoreReads,
  StoreUnavailable,
  type SupersedeListener,
  type Totals,
  type Unavailability,
  type WaitingMessage,
} from './store/store.js'
export type {
  CommonOptions,
  Description,
  GivenStoreOptions,
  StoreOnRedisOptions,
  StoreOptions,
  Undescribed,
} from './store/store-options.js'
export { Superseded } from './superseded.js'
export type {
  TelemetryApi,
  TelemetryAttributes,
  TelemetryContext,
  TelemetrySpan,
  TelemetrySpanContext,
  TelemetrySpanOptions,
  TelemetryTracer,
} from './telemetry/api.js'
export { type FastifyReply, type FastifyRequest, type FastifyScope, toFastify } from './webhook/fastify.js'
export { type Receive, webhook } from './webhook/fetch.js'
export type { Identify, Person } from './webhook/identity.js'
export { type KoaContext, toKoa } from './webhook/koa.js'
export { type NodeHandler, type NodeRequest, type ParsedBody, toNode } from './webhook/node.js'
export type { WebhookOptions } from './webhook/options.js'
export type { Aliases } from './webhook/people.js'
export type { RejectionReason } from './webhook/rejections.js'
export type { Groups } from './webhook/steps.js'
export type { Receiving } from './webhook/store-steps.js'
export { type AnsweringOptions, answering, type BatchJob, type JobAnswering } from './worker/answering.js'
export type { JobResult } from './worker/job-end.js'
export { type AttemptedJob, type ToBullmqOptions, toBullmq } from './worker/to-bullmq.js'
