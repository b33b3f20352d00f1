/**
 * Text from outside (ids, names, errors) on a terminal. Characters that act on a terminal instead of being shown could
 * move its cursor, forge a line or turn the reading direction, so everything that a command or the log writes passes
 * through a function of this file. A function that composes a line cleans each piece; `written` checks the whole again.
 */

/**
 * Control characters (C0 with ESC and BEL, DEL, C1), the marks, embeddings, overrides and isolates of bidirectional
 * text, and the separators U+2028 and U+2029, which some terminals show as a new line.
 */
const ACTIVE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
const ESC = '\u001b'
/** What `paint` writes: a colour or a style. */
const STYLE = new RegExp(`(${ESC}\\[\\d+m)`)
const LINE_BREAK = '\n'

/** Without the characters that act on a terminal; line breaks too become spaces. */
export const inert = (text: string): string => text.replace(ACTIVE, ' ')

/** The first line of a text that has more than spaces, inert. */
export function oneLine(text: string): string {
  const line = text.split(/\r?\n/).find(candidate => candidate.trim() !== '') ?? 'unknown error'
  return inert(line).trim()
}

/** The same, for text that may be empty. */
export const clean = (text: string): string => (text === '' ? '' : oneLine(text))

/** JSON with these characters as `\u` escapes, so that it is equal when parsed. A final line break stays. */
export const escapedJson = (json: string): string =>
  json.replace(ACTIVE, character =>
    character === LINE_BREAK ? LINE_BREAK : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** One line of JSON for a terminal. */
export const jsonLine = (value: unknown): string => escapedJson(JSON.stringify(value))

/**
 * Lines as they may be written: only their line breaks and, if they are `coloured`, the styles of `paint` are left of
 * the characters that act on a terminal.
 */
export function written(text: string, coloured = false): string {
  const lines = text.split(LINE_BREAK)
  return lines.map(line => (coloured ? inertBetweenStyles(line) : inert(line))).join(LINE_BREAK)
}

const inertBetweenStyles = (line: string) =>
  line
    .split(STYLE)
    .map(part => (STYLE.test(part) ? part : inert(part)))
    .join('')
