/**
 * An unknown kind without text and medium neither opens nor extends a batch, whatever kind a provider adds next,
 * no bot answers an empty text. The property is tried on each stored message, with its content replaced.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { expect } from 'chai'
import { parseBody } from '../../../src/http/body.js'
import { isRecord } from '../../../src/providers/fields.js'
import { providers } from '../../../src/providers/registry.js'
import type { KindCase } from '../../support/kinds/kind-case.js'
import { CASES } from '../../support/kinds/kinds-table.js'

const NEW = 'something_new'
const FORM = 'application/x-www-form-urlencoded'

type Fields = Record<string, unknown>

const without = (fields: Fields, ...names: string[]) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))
const at = (fields: Fields, name: string): Fields => (isRecord(fields[name]) ? fields[name] : {})

/** Of each provider: its body, with what its messages hold replaced by a kind that does not exist. */
const REPLACED: Record<string, (body: Fields) => unknown> = {
  meta: body =>
    mapDeep(body, 'messages', message => ({ ...without(message, String(message['type']), 'context'), type: NEW })),
  evolution: body => ({ ...body, data: { ...at(body, 'data'), message: { [NEW]: { a: 1 } } } }),
  waha: body => ({
    ...body,
    payload: {
      ...without(at(body, 'payload'), 'media', 'location', 'vCards'),
      body: null,
      hasMedia: false,
      _data: {
        ...without(at(at(body, 'payload'), '_data'), 'message', 'Message', ...WEB_CONTENT),
        type: NEW,
        message: { [NEW]: { a: 1 } },
      },
    },
  }),
  'green-api': body => ({ ...body, messageData: { typeMessage: NEW, [NEW]: { a: 1 } } }),
  twilio: body => ({
    ...without(body, 'Body', 'ButtonText', 'ListTitle', 'InteractiveData', 'Latitude', 'Longitude'),
    NumMedia: '0',
    MessageType: NEW,
  }),
  wazzup: body => mapDeep(body, 'messages', message => ({ ...without(message, 'text', 'contentUri'), type: NEW })),
  wwebjs: body =>
    'dataType' in body ? { ...body, data: { message: bare(at(at(body, 'data'), 'message')) } } : bare(body),
  wppconnect: body => ({ ...bare(body), event: body['event'] }),
  chatapp: body => mapDeep(body, 'data', plain),
  generic: body => mapDeep({ ...plain(body) }, 'messages', plain),
}

function replaced({ provider, body }: KindCase): unknown {
  const replace = REPLACED[provider]
  if (replace === undefined) throw new Error(`no replacement for ${provider}`)
  return isRecord(body) ? replace(body) : mapDeep(body, 'data', plain)
}

const plain = (fields: Fields): Fields => ({ ...without(fields, 'text', 'body', 'media', 'message'), type: NEW })

/** What WhatsApp Web keeps of a message's content in its own data. */
const WEB_CONTENT = ['body', 'caption', 'listResponse', 'isViewOnce', 'pollName', 'orderTitle']

const bare = (message: Fields): Fields => ({
  ...without(message, ...WEB_CONTENT, 'content', 'hasMedia', 'location'),
  ...('_data' in message ? { _data: without(at(message, '_data'), ...WEB_CONTENT) } : {}),
  type: NEW,
})

function mapDeep(value: unknown, name: string, change: (fields: Fields) => Fields): unknown {
  if (Array.isArray(value)) return value.map(each => mapDeep(each, name, change))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key === name && Array.isArray(inner)
        ? [key, inner.map(each => (isRecord(each) ? change(each) : each))]
        : [key, mapDeep(inner, name, change)],
    ),
  )
}

describe('providers: an unknown kind without text and medium opens no batch', () => {
  for (const each of CASES.filter(({ outcome }) => 'read' in outcome))
    it(`${each.provider}: in the place of ${each.kind}${each.form === undefined ? '' : ` (${each.form})`}`, () => {
      const items = providers.named(each.provider)?.parse(replaced(each)) ?? []
      expect(items.map(({ kind }) => kind)).to.deep.equal(['ignored'])
    })

  for (const folder of ['webhooks', 'reports'])
    for (const [name, replace] of Object.entries(REPLACED)) {
      const bodies = bodiesIn(folder, name)
      if (bodies.length === 0) continue
      it(`${name}: ${bodies.length} stored bodies of test/fixtures/${folder}`, () => {
        const provider = providers.named(name)
        expect(provider).to.not.equal(undefined)
        for (const [file, body] of bodies) {
          const items = provider?.parse(replace(body)) ?? []
          expect(
            items.filter(({ kind }) => kind === 'message'),
            file,
          ).to.deep.equal([])
          expect(items, file).to.not.deep.equal([])
        }
      })
    }
})

/** Those of one post that are messages as they stand. */
function bodiesIn(folder: string, name: string): [file: string, body: Fields][] {
  const place = new URL(`../../fixtures/${folder}/${name}/`, import.meta.url)
  return filesIn(place).flatMap(file => {
    const body = parsed(readFileSync(new URL(file, place)), extname(file) === '.txt' ? FORM : undefined)
    if (!isRecord(body) || 'steps' in body) return []
    return holdsMessage(name, body) ? [[file, body] as [string, Fields]] : []
  })
}

function holdsMessage(name: string, body: Fields): boolean {
  try {
    return (
      providers
        .named(name)
        ?.parse(body)
        .some(({ kind }) => kind === 'message') ?? false
    )
  } catch {
    return false
  }
}

function parsed(bytes: Buffer, contentType: string | undefined): unknown {
  try {
    return parseBody(bytes, contentType)
  } catch {
    return undefined
  }
}

function filesIn(place: URL): string[] {
  try {
    return readdirSync(place)
  } catch {
    return []
  }
}
