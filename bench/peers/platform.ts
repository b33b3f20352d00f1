/**
 * A platform for the Chat SDK, made as its adapter for WhatsApp is: the webhook is answered at once, the message is
 * processed afterwards, and a chat has no threads. Nothing is sent to anybody.
 */
import { type Adapter, type ChatInstance, Message, parseMarkdown, stringifyMarkdown } from 'chat'
import { z } from 'zod'

const rawShape = z.object({ conversation: z.string(), messageId: z.string(), text: z.string() })
type Raw = z.infer<typeof rawShape>

const notHere = async () => {
  throw new Error('this platform only takes messages')
}

export class Platform implements Adapter<string, Raw> {
  readonly name = 'platform'
  readonly userName = 'bot'
  readonly lockScope = 'channel'
  private chat?: ChatInstance

  async initialize(chat: ChatInstance): Promise<void> {
    this.chat = chat
  }

  async handleWebhook(request: Request): Promise<Response> {
    const raw = rawShape.parse(await request.json())
    // The Chat SDK logs what fails in it.
    void this.chat?.processMessage(this, raw.conversation, this.parseMessage(raw)).catch(() => {})
    return new Response()
  }

  parseMessage(raw: Raw): Message<Raw> {
    return new Message<Raw>({
      // It deduplicates messages by their ids, whatever their conversations.
      id: `${raw.conversation}/${raw.messageId}`,
      threadId: raw.conversation,
      text: raw.text,
      formatted: parseMarkdown(raw.text),
      raw,
      author: { userId: raw.conversation, userName: 'somebody', fullName: 'Somebody', isBot: false, isMe: false },
      metadata: { dateSent: new Date(), edited: false },
      attachments: [],
    })
  }

  isDM = () => true
  channelIdFromThreadId = (threadId: string) => threadId
  encodeThreadId = (conversation: string) => conversation
  decodeThreadId = (threadId: string) => threadId
  renderFormatted = stringifyMarkdown

  addReaction = notHere
  removeReaction = notHere
  postMessage = notHere
  editMessage = notHere
  deleteMessage = notHere
  startTyping = notHere
  fetchMessages = notHere
  fetchThread = notHere
}
