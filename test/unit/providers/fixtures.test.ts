/** Every stored body of the providers we read, against what it must become (test/fixtures/webhooks/expected.json). */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { z } from 'zod'
import { parseBody } from '../../../src/http/body.js'
import type { Item, MessageItem } from '../../../src/providers/provider.js'
import { providers } from '../../../src/providers/registry.js'

const fixtures = new URL('../../fixtures/webhooks/', import.meta.url)

const expectation = z.object({
  provider: z.string(),
  contentType: z.string(),
  messages: z.array(
    z.object({
      account: z.string().nullable(),
      chatId: z.string(),
      messageId: z.string(),
      senderId: z.string().nullable(),
      senderName: z.string().nullable(),
      timestampMs: z.number().nullable(),
      type: z.string(),
      text: z.string().nullable(),
      isGroup: z.boolean(),
      replyTo: z.string().optional(),
      originalMessageId: z.string().optional(),
      payloadId: z.string().optional(),
      mediaId: z.string().optional(),
      fileName: z.string().optional(),
      latitude: z.number().optional(),
      longitude: z.number().optional(),
    }),
  ),
  ignored: z.array(z.object({ messageId: z.string().nullable(), reason: z.string(), chatId: z.string().optional() })),
  error: z.string().nullable(),
})

type Expectation = z.infer<typeof expectation>

const expectations = z
  .record(z.string(), expectation)
  .parse(JSON.parse(readFileSync(new URL('expected.json', fixtures), 'utf8')))

/** About another message: what they become is no message (see src/providers/provider.ts). */
const CORRECTIONS = ['edit', 'revoke']

/** Not webhook bodies: a GET, and a body that is no JSON, which test/unit/webhook has. */
const NO_BODIES = ['meta/verify-get.txt', 'meta/malformed-truncated.txt']

const read = (file: string): unknown =>
  parseBody(readFileSync(new URL(file, fixtures)), expectations[file]?.contentType)

describe('providers: each stored webhook becomes what it must', () => {
  for (const [file, expected] of Object.entries(expectations)) {
    if (NO_BODIES.includes(file)) continue
    const provider = providers.named(expected.provider)
    if (provider === undefined) throw new Error(`${file}: no provider ${expected.provider}`)

    if (expected.error !== null) {
      it(`${file} is refused as ${expected.error}`, () => {
        expect(() => provider.parse(read(file)))
          .to.throw()
          .with.property('code', expected.error)
      })
      continue
    }
    it(`${file} is recognised by its shape`, () => {
      expect(providers.of(read(file))?.name).to.equal(expected.provider)
    })
    const correction = expected.messages.find(({ type }) => CORRECTIONS.includes(type))
    if (correction !== undefined) {
      it(`${file} becomes a ${correction.type}`, () => {
        const { account, chatId, isGroup, senderId, type, text, originalMessageId: messageId } = correction
        expect(provider.parse(read(file))).to.deep.equal([
          { kind: type, account, chatId, isGroup, senderId, messageId, ...(type === 'edit' ? { text } : {}) },
        ])
      })
      continue
    }
    const reaction = expected.messages.find(({ type }) => type === 'reaction')
    if (reaction !== undefined) {
      it(`${file} opens and extends nothing`, () => {
        expect(ignoredOf(provider.parse(read(file)))).to.deep.equal([
          { messageId: reaction.messageId, reason: 'reaction', chatId: undefined },
        ])
      })
      continue
    }
    it(`${file} becomes ${expected.messages.length} messages and ${expected.ignored.length} ignored`, () => {
      const items = provider.parse(read(file))
      const messages = items.filter(item => item.kind === 'message')
      expect(messages.map((item, i) => plain(item, expected.messages[i]))).to.deep.equal(expected.messages.map(asPlain))
      expect(ignoredOf(items)).to.deep.equal(
        expected.ignored.map(({ messageId, reason, chatId }) => ({
          messageId: messageId ?? undefined,
          reason,
          chatId,
        })),
      )
    })
  }
})

function ignoredOf(items: Item[]) {
  return items.flatMap(item => {
    if (item.kind === 'message') return []
    if (item.kind === 'typing') return [{ messageId: undefined, reason: `presence:${item.sign}`, chatId: item.chatId }]
    if (item.kind === 'edit' || item.kind === 'revoke' || item.kind === 'unplaced')
      throw new Error(`a ${item.kind} that was not expected`)
    if (item.kind === 'own') return [{ messageId: item.messageId, reason: 'from_me', chatId: undefined }]
    return [{ messageId: item.messageId, reason: item.reason, chatId: item.chatId }]
  })
}

/** What an expectation does not speak of (where a file is to be had, say) may be there or not. */
function plain(
  { account, chatId, isGroup, message }: MessageItem,
  expected: Partial<Expectation['messages'][number]> = {},
) {
  const { messageId, type, text, senderId, senderName, sentAtMs, replyTo, payloadId, media, location } = message
  return {
    account,
    chatId,
    isGroup,
    messageId,
    type,
    text,
    senderId,
    senderName,
    sentAtMs,
    replyTo,
    payloadId,
    mediaId: expected.mediaId && media?.id,
    fileName: expected.fileName && media?.fileName,
    latitude: expected.latitude && location?.latitude,
    longitude: expected.longitude && location?.longitude,
  }
}

/** What the fixtures' author writes as null is absent here, and his `unknown_media` is `unknown`. */
function asPlain(message: Expectation['messages'][number]) {
  return {
    account: message.account ?? undefined,
    chatId: message.chatId,
    isGroup: message.isGroup,
    messageId: message.messageId,
    type: message.type === 'unknown_media' ? 'unknown' : message.type,
    text: message.text ?? undefined,
    senderId: message.senderId ?? undefined,
    senderName: message.senderName ?? undefined,
    sentAtMs: message.timestampMs ?? undefined,
    replyTo: message.replyTo,
    payloadId: message.payloadId,
    mediaId: message.mediaId,
    fileName: message.fileName,
    latitude: message.latitude,
    longitude: message.longitude,
  }
}
