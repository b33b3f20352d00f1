/** A provider of the tests' own, in one file as all are: it posts `{ "toy": "<chat>", "id": "…", "says": "…" }`. */
import { z } from 'zod'
import { secret, setting } from '../../../src/config/setting.js'
import { UnreadableBody } from '../../../src/providers/provider.js'
import { tokenFault } from '../../../src/providers/signature.js'
import { signedProvider } from '../../../src/providers/signed-provider.js'

const bodyShape = z.object({ toy: z.string(), id: z.string(), says: z.string() })

export const toyProvider = signedProvider({
  name: 'toy-phone',
  title: 'Toy phone',
  option: 'toyPhone',
  settings: z.object({ ringKey: setting('TOY_RING_KEY', 'The key that the toy phone rings with.', secret()) }),
  recognises: body => bodyShape.safeParse(body).success,
  parse(body) {
    const parsed = bodyShape.safeParse(body)
    if (!parsed.success) throw new UnreadableBody('malformed', 'the body is nothing that a toy phone sends')
    const { toy: chatId, id: messageId, says: text } = parsed.data
    return [{ kind: 'message', chatId, isGroup: false, message: { messageId, text }, raw: body }]
  },
  signature: { secret: 'ringKey', fault: tokenFault('x-ring') },
})
