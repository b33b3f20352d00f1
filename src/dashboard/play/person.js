/** One person of the playground: what they do, in the live chat and in the bots that are compared. */
import { call, ofConversation } from '../api.js'
import { Chat } from './chat.js'
import { Comparison } from './comparison.js'
import { ThirtyLines } from './thirty-lines.js'

const TYPING_EVERY_MS = 1500
const STORY_PAUSE_MS = 700
/** The afterthought comes so long after the batch was claimed. */
const AFTERTHOUGHT_MS = 1200
const LINES_AT_ONCE = 50

export class Person {
  last
  typedAtMs = 0
  isTelling = false
  afterthought
  /** The end of the chat is kept in sight, unless somebody has scrolled up. */
  follows = true

  comparison = new Comparison()

  /**
   * @param id of the conversation
   * @param compare sends what this person does to the engines that are compared
   * @param workMs how long the bots that are compared work
   * @param onChange called after each change
   */
  constructor(id, { feed, compare, workMs, onChange }) {
    const { rules } = feed.about
    this.id = id
    this.feed = feed
    this.compare = compare
    this.onChange = onChange
    this.chat = new Chat(rules)
    this.thirtyLines = new ThirtyLines(rules.quietGapMs, workMs, event => {
      this.comparison.run('lines', event, performance.now())
      onChange()
    })
    this.thirtyLines.addEventListener('change', onChange)
  }

  /** Each line that is not empty is a message; they are sent together, as a paste is. */
  say(text) {
    const lines = text.split('\n').flatMap(line => (line.trim() === '' ? [] : [line.trim()]))
    if (lines.length === 0) return undefined
    const messages = lines.slice(0, LINES_AT_ONCE).map(line => ({ messageId: newId(), text: line }))
    this.chat.send(messages)
    this.wrote(messages.map(({ messageId }) => messageId))
    for (const { messageId, text: line } of messages) this.thirtyLines.append(line, messageId)
    this.last = messages.at(-1)
    this.follows = true
    this.onChange()
    return this.send(messages)
  }

  /** The last message once more, under the same id. */
  async deliverAgain() {
    if (!this.last) return
    const { messageId, text } = this.last
    this.thirtyLines.append(text, messageId)
    this.comparison.wroteAgain(messageId)
    const answer = await this.send([this.last])
    if (!answer?.duplicates) return
    this.chat.remark(messageId, 'duplicate')
    this.onChange()
  }

  wrote(messageIds) {
    this.comparison.wrote(messageIds, performance.now())
    this.compare(this, { messageIds })
  }

  /** The thirty lines lose what they have in memory. */
  restartThirtyLines() {
    this.comparison.lanes.lines.lose(this.thirtyLines.restart())
  }

  async send(messages) {
    try {
      const answer = await call('POST', ofConversation('messages', this.id), messages)
      const now = this.feed.now()
      if (answer.accepted > 0) this.chat.accepted(answer, messages, now + answer.dueInMs, now)
      return answer
    } catch (error) {
      for (const { messageId } of messages)
        if (this.chat.sent.get(messageId)?.batch === undefined) this.chat.remark(messageId, 'notSent', error.message)
      return undefined
    } finally {
      this.onChange()
    }
  }

  /** A writing person sends a typing signal now and then. */
  write() {
    if (performance.now() - this.typedAtMs > TYPING_EVERY_MS) this.signTyping()
  }

  signTyping() {
    this.typedAtMs = performance.now()
    this.thirtyLines.sawTyping()
    this.compare(this, { typing: true })
    // A lost signal costs nothing but its few seconds.
    call('POST', ofConversation('typing', this.id), {}).catch(() => {})
  }

  /** The story: a burst, one message delivered twice, and an afterthought while the answer is pending. */
  async tell(lines) {
    if (this.isTelling) return
    this.isTelling = true
    for (const [i, line] of lines.slice(0, -1).entries()) {
      await this.say(line)
      if (i === 1) await this.deliverAgain()
      await pause(STORY_PAUSE_MS)
    }
    this.afterthought = lines.at(-1)
  }

  step(step) {
    const batch = this.chat.step(step)
    if (step.step === 'claimed' && batch) void this.thinkAgain()
  }

  grow(growth) {
    this.chat.grow(growth, this.feed.now())
  }

  /** After the connection was lost: what happened meanwhile. */
  async catchUp() {
    try {
      const { lives } = await call('GET', ofConversation('lives', this.id))
      for (const life of lives.reverse()) for (const step of life.steps) this.step(step)
      for (const { state, batchId, count, dueAtMs } of lives)
        if (state === 'open') this.grow({ batchId, count, dueMs: dueAtMs })
    } catch {
      // The next start catches up.
    }
    this.onChange()
  }

  async thinkAgain() {
    const line = this.afterthought
    if (line === undefined) return
    this.afterthought = undefined
    await pause(AFTERTHOUGHT_MS)
    this.isTelling = false
    await this.say(line)
  }
}

const newId = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
