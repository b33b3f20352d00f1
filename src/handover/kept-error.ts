/**
 * What Lull keeps of the error of a failed attempt: one bounded line, for the history, the dead batch, the log and the
 * job. A handler is not Lull's, and its error may quote what the person wrote ("cannot parse my address is …"). Those
 * places hold no texts, so the texts and names of the batch are cut out of the line. A paraphrase or a part of a text
 * is not recognised.
 */
import type { Batch } from '../batch.js'

const LONGEST = 200
/** Shorter texts ("hi") occur inside other words. */
const SHORTEST_QUOTE = 4
const CUT = '(text)'

/** The line that is kept of `error`, which a handover or a handler threw for `batch`. */
export function keptError(error: unknown, batch: Batch): string {
  let text = error instanceof Error ? error.message : String(error)
  for (const quote of quotesOf(batch)) text = text.replaceAll(quote, CUT)
  const line = text.split(/[\r\n]/).find(candidate => candidate.trim() !== '') ?? nameOf(error)
  return line
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, LONGEST)
}

/** The same as an error: its name and its stack's frames are kept, since BullMQ stores and reads both. */
export function asKeptError(error: unknown, batch: Batch): Error {
  const kept = new Error(keptError(error, batch))
  if (!(error instanceof Error)) return kept
  kept.name = error.name
  const frames = (error.stack ?? '').split('\n').filter(line => /^\s+at /.test(line))
  kept.stack = [`${error.name}: ${kept.message}`, ...frames].join('\n')
  return kept
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'unknown error')

/** All that the person wrote or is called, as it is and as JSON and a URL write it; the longest first. */
function quotesOf({ messages, text }: Batch): string[] {
  const written = [text, ...messages.flatMap(message => stringsOf(message))]
  const quotes = written
    .flatMap(one => [one, ...one.split('\n')])
    .map(one => one.trim())
    .flatMap(one => [one, JSON.stringify(one).slice(1, -1), encodeURIComponent(one.replace(/\p{Cs}/gu, ''))])
    .filter(one => one.length >= SHORTEST_QUOTE)
  return [...new Set(quotes)].sort((a, b) => b.length - a.length)
}

type Message = Batch['messages'][number]

function stringsOf({ text, senderName, media, location }: Message): string[] {
  const strings = [text, senderName, media?.url, media?.fileName, location?.name, location?.address]
  return strings.filter(one => one !== undefined)
}

/** What `http.ts` says of a receiver, in full: its address without a query, and a status, a code or a time. */
const OF_RECEIVER =
  /^https?:\/\/[^\s?#]+ (?:answered \d{3}(?: to [^\s?#]+; redirects are not followed, set the URL it leads to)?|cannot be reached: \w+|has not answered within \d+ ms)$/

/** Whether a kept line is Lull's own about an HTTP receiver. Every other one may quote what a person wrote. */
export const isOwnWords = (line: string): boolean => OF_RECEIVER.test(line)
