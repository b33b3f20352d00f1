/** Health, metrics, events, and the description itself. */
import { z } from 'zod'
import { type Operation, reply } from '../operation.js'
import { partitionsAway } from '../shapes/conversations.js'
import { ANSWERED } from './conversations.js'

const tag = 'System'

export const systemOperations: Operation[] = [
  {
    id: 'readLiveness',
    tag,
    method: 'get',
    path: '/livez',
    summary: 'Whether the process runs',
    isOpen: true,
    isSure: true,
    replies: { 200: reply('It does', z.object({ status: z.literal('ok') }), { status: 'ok' }) },
  },
  {
    id: 'readReadiness',
    tag,
    method: 'get',
    path: '/readyz',
    summary: 'Whether messages can be stored now',
    description: 'The answer comes within two seconds. Every role serves health and metrics on LULL_OPS_PORT, too.',
    isOpen: true,
    isSure: true,
    replies: {
      200: reply('They can, at least in part', z.object({ status: z.literal('ok'), partitionsAway }), { status: 'ok' }),
      503: reply(
        'They cannot. `error` is one word (connection, timeout, loading, readonly, memory, busy, misconf, moving, cluster, replicas, auth, other); with the token the whole line',
        z.object({ status: z.literal('unavailable'), error: z.string() }),
        { status: 'unavailable', error: 'connection' },
      ),
    },
  },
  {
    id: 'readMetrics',
    tag,
    method: 'get',
    path: '/metrics',
    summary: "Metrics in Prometheus's text format",
    replies: {
      200: {
        ...reply('The metrics', z.string(), 'lull_messages_total{provider="generic",outcome="accepted"} 5\n'),
        type: 'text/plain',
      },
    },
  },
  {
    id: 'followEvents',
    tag,
    method: 'get',
    path: '/events',
    summary: 'Follow each step as it happens, as server-sent events',
    description: [
      'At most 100 readers; the next one gets 503. `data` of each event is JSON:\n',
      '| event | data |',
      '|---|---|',
      '| without a name | a `Step` |',
      '| `growth` | how open batches have grown: `conversationId`, `batchId`, `count` and `dueInMs` of each |',
      '| `summary` | counts of the steps that were left out because this reader is too slow |',
      '| `stale` | events were missed: read the lists again |',
      '| `beat` | every 10 s: whether Redis can be used, `{"ready":true}` |',
    ].join('\n'),
    replies: {
      200: {
        ...reply(
          'The stream, until the client or the API closes it',
          z.string(),
          `event: beat\ndata: {"ready":true}\n\nid: ${ANSWERED.id}\ndata: ${JSON.stringify(ANSWERED)}\n\n`,
        ),
        type: 'text/event-stream',
      },
    },
  },
  {
    id: 'readDescription',
    tag,
    method: 'get',
    path: '/openapi.json',
    summary: 'This description',
    description: 'Needs no token: it is the same for every installation, and tells nothing of this one.',
    isOpen: true,
    isSure: true,
    replies: { 200: reply('OpenAPI 3.1', z.looseObject({ openapi: z.string() })) },
  },
]
