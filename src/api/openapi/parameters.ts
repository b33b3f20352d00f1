/** The parameters of paths, by name. In a path they are URL-encoded: `/` is `%2F`, `@` is `%40`. */
import { z } from 'zod'
import { PROVIDERS } from '../../providers/registry.js'
import { scopeShape } from '../../settings/scope.js'
import { conversationIdShape } from '../conversation-id.js'
import { messageIdShape } from '../messages.js'

export const PARAMETERS: Record<string, { shape: z.ZodType; description: string; example: string }> = {
  id: {
    shape: conversationIdShape,
    description: "The conversation's id, `<chatId>` or `<account>/<chatId>`, URL-encoded",
    example: 'shop/79990000012@c.us',
  },
  messageId: { shape: messageIdShape, description: "The message's id, URL-encoded", example: 'm2' },
  batchId: { shape: z.string().min(1), description: "The batch's id", example: 'bFw3Al6XHMjN0aiGG' },
  scope: {
    shape: scopeShape,
    description: "`*` for all conversations, an account, or a conversation's id, URL-encoded",
    example: 'shop',
  },
  provider: {
    shape: z.enum(PROVIDERS.map(({ name }) => name)),
    description: 'Whose webhook it is. Without it the provider is recognised by the shape of the body',
    example: 'generic',
  },
  event: {
    shape: z.string().min(1),
    description: 'Means nothing: Evolution API appends the name of an event to the address',
    example: 'messages-upsert',
  },
}
