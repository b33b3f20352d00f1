// Meta's webhook in a NestJS app (`nest new`, then `npm install lull`): a service that answers, a service that starts and
// stops Lull, and a controller. In your app each class has a file of its own, and the last lines are main.ts.
import 'reflect-metadata'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common'
import { All, Controller, Injectable, Module, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { type Batch, Batcher, type CommittingContext, Processor, toNode, webhook } from 'lull'

/** Your bot. */
@Injectable()
export class AnswerService {
  async answer(batch: Batch, { signal, commit }: CommittingContext): Promise<void> {
    signal.throwIfAborted()
    await commit()
    console.log(`${batch.conversationId}: ${batch.text.replaceAll('\n', ' · ')}`)
  }
}

@Injectable()
export class LullService implements OnModuleInit, OnApplicationShutdown {
  private readonly options = {
    redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
    prefix: 'nestjs-example',
    quietGapMs: 1000,
  }
  readonly batcher = new Batcher(this.options)
  private readonly processor: Processor

  constructor(answers: AnswerService) {
    this.processor = new Processor({
      ...this.options,
      handle: (batch, context) => answers.answer(batch, context),
    })
  }

  /** Before the app listens: without Redis the app does not start. */
  async onModuleInit(): Promise<void> {
    await this.processor.start()
  }

  /** When the requests that have come are answered. */
  async onApplicationShutdown(): Promise<void> {
    await this.processor.stop()
    await this.batcher.close()
  }
}

@Controller('webhook')
export class WebhookController {
  private readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>

  constructor({ batcher }: LullService) {
    const meta = { appSecret: process.env.WHATSAPP_APP_SECRET, verifyToken: process.env.WHATSAPP_VERIFY_TOKEN }
    this.handle = toNode(webhook({ batcher, provider: 'meta', providers: { meta } }))
  }

  @All()
  receive(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
    return this.handle(request, response)
  }
}

@Module({ controllers: [WebhookController], providers: [AnswerService, LullService], exports: [LullService] })
export class AppModule {}

async function bootstrap(): Promise<void> {
  // A signature covers the bytes of the body: `rawBody` keeps them.
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { rawBody: true })
  // Meta's bodies have up to 3 MB; Express reads 100 kB unless told otherwise.
  app.useBodyParser('json', { limit: '4mb' })
  app.enableShutdownHooks()
  await app.listen(process.env.PORT ?? 3000, '127.0.0.1')
  console.log(`listening on ${await app.getUrl()}`)
}
void bootstrap()
