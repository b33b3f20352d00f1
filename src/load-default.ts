/** A user's module, named by a setting: what it exports by default. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface LoadOptions {
  /** What the errors call it: `handler`. */
  name: string
  /** What such a module may hold, in one line. */
  example: string
}

/**
 * The function that a module exports by default.
 * @param file its path, from the working directory
 * @throws one line, for a module that can't be loaded or exports no function
 */
export async function loadDefault<Exported extends (...args: never[]) => unknown>(
  file: string,
  { name, example }: LoadOptions,
): Promise<Exported> {
  const path = resolve(file)
  if (!existsSync(path)) throw new Error(`${name} ${path} does not exist: correct its path`)
  const loaded: unknown = await import(pathToFileURL(path).href).catch(error => {
    const reason = reasonOf(error)
    const where = placeOf(error, path)
    throw new Error(`${name} ${path} cannot be loaded: ${reason}${where}${remedyOf(reason)}`, { cause: error })
  })
  const exported = defaultExport(loaded)
  if (isFunction<Exported>(exported)) return exported
  throw new TypeError(`${name} ${path} exports no function by default: write \`${example}\``)
}

/** In a CommonJS module that was compiled from ESM the default export is one level deeper. */
function defaultExport(module: unknown): unknown {
  const exported = propertyOf(module, 'default')
  return typeof exported === 'function' ? exported : propertyOf(exported, 'default')
}

const propertyOf = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined

const isFunction = <Exported>(value: unknown): value is Exported => typeof value === 'function'

/** What Node says of a file that it takes for a module of another kind. */
const REMEDIES: [says: RegExp, remedy: string][] = [
  [
    /^(Unexpected token 'export'|Cannot use import statement outside a module)/,
    ': name it .mjs, or set "type": "module" in its package.json',
  ],
  [/^(require|module|exports) is not defined/, ': name it .cjs, or write it as an ES module'],
  [/^Unknown file extension "\.[cm]?tsx?"/, ': compile it to JavaScript'],
]

const remedyOf = (reason: string) => REMEDIES.find(([says]) => says.test(reason))?.[1] ?? ''

/** One line. A compiler's first one may only announce the second. */
function reasonOf(error: unknown): string {
  const [first = '', second] = (error instanceof Error ? error.message : String(error)).split('\n')
  return first.endsWith(':') && second !== undefined ? `${first} ${second}` : first
}

/** How Node begins the stack of what it could not parse: `/srv/handler.cjs:3`. */
const PARSED = /^(?:file:\/\/)?(\/\S.*|[a-z]:\S.*):(\d+)\n/i
/** A frame in a file, outside of Node itself and of packages. */
const FRAME = /^ +at (?!.*node_modules)(?:.*\()?(?:file:\/\/)?(\/.*|[a-z]:.*):(\d+):\d+\)?$/im
const CHECK_TIMEOUT_MS = 5000

/** ` (line 3)`, or ` (/srv/other.mjs:3)` for another file than `path`; empty if nothing says where. */
function placeOf(error: unknown, path: string): string {
  if (!(error instanceof Error)) return ''
  const { stack = '' } = error
  const found = PARSED.exec(stack) ?? FRAME.exec(stack) ?? (error instanceof SyntaxError ? checked(path) : null)
  if (!found) return error instanceof SyntaxError ? ' (in a module that it imports)' : ''
  const [, file = '', line] = found
  return decodeURI(file) === path ? ` (line ${line})` : ` (${decodeURI(file)}:${line})`
}

/** Node prints where an ES module cannot be parsed, and keeps it out of the error. This runs nothing of the file. */
function checked(path: string): RegExpExecArray | null {
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', timeout: CHECK_TIMEOUT_MS })
  return PARSED.exec(stderr ?? '')
}
