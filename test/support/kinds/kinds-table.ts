/** The tables of docs/webhooks.md that say what becomes of each kind, and why what is ignored is. */
import { BAILEYS_CASES } from './baileys-cases.js'
import { CLOUD_CASES } from './cloud-cases.js'
import { KINDS, type Kind, type KindCase, type Outcome } from './kind-case.js'
import { WEB_CASES } from './web-cases.js'

export const CASES: KindCase[] = [...BAILEYS_CASES, ...WEB_CASES, ...CLOUD_CASES]

/** The columns, in their order. */
const PROVIDERS = [
  'meta',
  'green-api',
  'waha',
  'evolution',
  'twilio',
  'wazzup',
  'wwebjs',
  'wppconnect',
  'chatapp',
  'generic',
]

/** Why an item is ignored: the part of its reason before the `:`. */
export const REASONS: Record<string, string> = {
  album: 'announces pictures, which follow as messages of their own',
  call: 'a call or its trace, which no person wrote',
  comment: 'a comment that only the phone can decrypt',
  edit: 'an edit that does not say of which message or what it says now; `edit:encrypted`: only the phone can read it',
  empty: 'a change of Meta without messages, statuses or errors',
  errors: 'Meta reports an error of the account’s',
  event: 'another event of the provider than a message',
  event_response: 'a yes or no to an event',
  from_me: 'what the bot, or another program of yours, sent',
  history: 'old messages that WhatsApp hands to a new device',
  invalid: 'a field is missing without which a message cannot be stored: its id, its chat, its content',
  keep_in_chat: 'somebody keeps a disappearing message',
  newsletter: 'a post of a channel',
  other_channel: 'at Twilio an SMS, or an event of its Conversations API',
  other_field: 'another field of Meta’s webhook than messages',
  own: '`own:bot`: what the bot sent, as reported by `sent` or by the provider',
  pin: 'somebody pins a message',
  poll_result: 'the count of a poll',
  poll_vote: 'a vote in a poll, mostly encrypted',
  presence: 'an unknown sign of presence',
  protocol: 'a setting (disappearing messages, say) or what devices tell each other',
  reaction: 'an emoji on a message',
  standby: 'at Meta another app has control of the chat, and answers',
  status: 'a message was sent, delivered or read',
  status_broadcast: 'a status post; `broadcast`: a broadcast list',
  status_mention: 'somebody mentions you in a status post',
  system: 'a notice of WhatsApp’s own: encryption, a group’s subject, a changed number',
  unknown: 'a kind that Lull does not know, without text or medium, or a text without words; its name follows the `:`',
}

export const reasonOf = (reason: string) => reason.split(':')[0] ?? reason

export function kindsTable(): string {
  const rows = KINDS.map(kind => `| ${[kind, ...PROVIDERS.map(provider => cell(kind, provider))].join(' | ')} |`)
  return [`| | ${PROVIDERS.join(' | ')} |`, `|---${'|---'.repeat(PROVIDERS.length)}|`, ...rows].join('\n')
}

export const reasonsList = () =>
  [
    '| reason | what was ignored |',
    '|---|---|',
    ...Object.entries(REASONS).map(row => `| \`${row[0]}\` | ${row[1]} |`),
  ].join('\n')

function cell(kind: Kind, provider: string): string {
  const outcomes = CASES.filter(each => each.kind === kind && each.provider === provider).map(each =>
    word(each.outcome),
  )
  return outcomes.length === 0 ? '–' : [...new Set(outcomes)].join(', ')
}

function word(outcome: Outcome): string {
  if ('ignored' in outcome) return `ignored: \`${reasonOf(outcome.ignored)}\``
  return 'read'
}
