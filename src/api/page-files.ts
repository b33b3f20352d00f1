/**
 * The files of the page, by their path under `/page/`: read once, when the first of them is asked for. `languages.json`
 * is the list of the files in languages/, so that a language is added by adding its file.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'

export interface PageFile {
  body: Buffer
  type: string
  etag: string
}

const FOLDER = new URL('../dashboard/', import.meta.url)
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
}
const LANGUAGE = /^languages\/([a-z]{2,3}(?:-[\w-]+)?)\.js$/

let known: Map<string, PageFile> | undefined

/** @param path `app.js`, `live/live.js`; any other path (`../package.json`) is not found */
export function pageFile(path: string): PageFile | undefined {
  known ??= readPage(FOLDER)
  return known.get(path)
}

/** @throws if the build has not copied the page */
export function pageFileThatExists(path: string): PageFile {
  const found = pageFile(path)
  if (!found) throw new Error(`${path} is not in ${FOLDER.pathname}: the build has not copied the page`)
  return found
}

/** @param folder with a `/` at its end @returns all that can be served, by path */
export function readPage(folder: URL): Map<string, PageFile> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(path => path.replaceAll('\\', '/'))
  const files = new Map<string, PageFile>()
  const add = (path: string, body: Buffer) => {
    const type = TYPES[extname(path)]
    if (type !== undefined) files.set(path, { body, type, etag: createHash('sha256').update(body).digest('base64url') })
  }
  for (const path of paths) if (TYPES[extname(path)]) add(path, readFileSync(new URL(path, folder)))
  const languages = paths.flatMap(path => LANGUAGE.exec(path)?.[1] ?? []).sort()
  add('languages.json', Buffer.from(JSON.stringify(languages)))
  return files
}
