// Meta's webhook as a route of Next's app router.
import { webhook } from 'lull'
import { batcher } from '../../lib/lull'

let made: ReturnType<typeof webhook> | undefined

// `next build` imports the routes, and knows no secret: so the webhook is made by the first request.
function receive(request: Request): Promise<Response> {
  const meta = { appSecret: process.env.WHATSAPP_APP_SECRET, verifyToken: process.env.WHATSAPP_VERIFY_TOKEN }
  made ??= webhook({ batcher, provider: 'meta', providers: { meta } })
  return made(request)
}

export { receive as GET, receive as POST }
