/** A user's module, named by a setting: what it exports by default. */
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
    throw new Error(`${name} ${path} cannot be loaded: ${firstLine(error)}`, { cause: error })
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

const firstLine = (error: unknown) => (error instanceof Error ? error.message : String(error)).split('\n')[0]
