/** What the AI SDK's model for tests is asked and what it answers. */
import { simulateReadableStream } from 'ai'
import type { MockLanguageModelV3 } from 'ai/test'

type CallOptions = MockLanguageModelV3['doStreamCalls'][number]
type StreamResult = Awaited<ReturnType<MockLanguageModelV3['doStream']>>
type StreamPart = StreamResult['stream'] extends ReadableStream<infer Part> ? Part : never
type Generated = Awaited<ReturnType<MockLanguageModelV3['doGenerate']>>

const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

/** What the person wrote, as the model gets it. */
export const askedIn = ({ prompt }: CallOptions) =>
  prompt
    .flatMap(message => (message.role === 'user' ? message.content : []))
    .map(part => (part.type === 'text' ? part.text : ''))
    .join('')

export const generated = (...content: Generated['content']): Generated => ({
  content,
  finishReason: { unified: content.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'stop', raw: undefined },
  usage: USAGE,
  warnings: [],
})

/** Streams `re: <what was asked>`, a word at a time. */
export const streamed = (call: CallOptions, end?: StreamPart): StreamResult => ({
  stream: simulateReadableStream<StreamPart>({
    chunkDelayInMs: 2,
    chunks: [
      { type: 'stream-start', warnings: [] },
      { type: 'text-start', id: '1' },
      ...['re:', ...askedIn(call).split('\n')].map(
        word => ({ type: 'text-delta', id: '1', delta: `${word} ` }) as const,
      ),
      end ?? { type: 'text-end', id: '1' },
      { type: 'finish', finishReason: { unified: end ? 'error' : 'stop', raw: undefined }, usage: USAGE },
    ],
  }),
})
