/**
 * The choice of a language. Each file in languages/ is a language; the API lists them in languages.json, so that a new
 * file is all that a new language needs. A reader gets the language chosen here before, else the browser's, else
 * English.
 */
import { speak } from './words.js'

const STORED_AS = 'lull-language'
const FALLBACK = 'en'

/** @returns the languages to choose from */
export async function startLanguage() {
  const response = await fetch(new URL('languages.json', import.meta.url), { credentials: 'same-origin' })
  const languages = await response.json()
  await load(pick(languages, remembered(), navigator.languages))
  return languages
}

/** @param wanted the browser's, `ru-RU` say, the most wanted first */
export function pick(languages, stored, wanted) {
  const spoken = wanted.map(name => name.split('-')[0])
  return [stored, ...spoken].find(name => languages.includes(name)) ?? FALLBACK
}

export async function switchLanguage(code) {
  await load(code)
  try {
    localStorage.setItem(STORED_AS, code)
  } catch {
    // Storage may be forbidden: then the browser's language comes back with a reload.
  }
}

/** `Русский`: what its speakers call it. */
export function endonym(code) {
  const name = new Intl.DisplayNames([code], { type: 'language' }).of(code)
  return name.charAt(0).toLocaleUpperCase(code) + name.slice(1)
}

async function load(code) {
  const { default: words } = await import(new URL(`languages/${code}.js`, import.meta.url))
  speak(code, words)
  document.documentElement.lang = code
}

function remembered() {
  try {
    return localStorage.getItem(STORED_AS)
  } catch {
    // Storage may be forbidden.
    return null
  }
}
