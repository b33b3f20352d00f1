/**
 * Bodies from public bug reports and provider sources, against what must come out of each
 * (test/fixtures/reports/expected.json). Those of several posts are played through a whole pipeline in
 * test/integration/reports.test.ts.
 */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parseBody } from '../../../src/http/body.js'
import type { Item, MessageItem } from '../../../src/providers/provider.js'
import { providers } from '../../../src/providers/registry.js'
import { type Report, reports } from '../../support/reports.js'

const read = (file: string, { contentType }: Report): unknown =>
  parseBody(readFileSync(new URL(`../../fixtures/reports/${file}`, import.meta.url)), contentType)

describe('providers: a reported body comes out as it should have', () => {
  for (const [file, report] of Object.entries(reports)) {
    if (file.endsWith('.steps.json')) continue
    it(`${file} (${report.source})`, () => {
      const items = providers.named(report.provider)?.parse(read(file, report)) ?? []
      const messages = items.filter((item): item is MessageItem => item.kind === 'message')
      expect(messages.map((item, i) => asExpected(item, report.messages[i]))).to.deep.equal(report.messages)
      expect(items.flatMap(ignoredIn)).to.deep.equal(report.ignored)
    })
  }
})

/** The fields that the expectation names, with `null` for what is absent. */
function asExpected(item: MessageItem, expected: Report['messages'][number] = {}): Record<string, unknown> {
  const { message } = item
  const all: Record<string, unknown> = {
    account: item.account,
    chatId: item.chatId,
    isGroup: item.isGroup,
    messageId: message.messageId,
    senderName: message.senderName,
    timestampMs: message.sentAtMs,
    type: message.type,
    text: message.text,
    payloadId: message.payloadId,
    replyTo: message.replyTo,
    location: message.location,
    mimeType: message.media?.mimeType,
    mediaId: message.media?.id,
    mediaUrl: message.media?.url,
  }
  return Object.fromEntries(
    Object.entries(expected).map(([name, value]) =>
      name === 'anywhere'
        ? [name, JSON.stringify(message).includes(String(value)) ? value : undefined]
        : [name, all[name] ?? null],
    ),
  )
}

const ignoredIn = (item: Item) => (item.kind === 'ignored' ? [{ messageId: item.messageId, reason: item.reason }] : [])
