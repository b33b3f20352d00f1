/** Packages that only some users need, and install themselves: optional peers in package.json. */

/** An optional package is needed and not installed, or too old. One line, with the command that installs it. */
export class MissingPackage extends Error {
  override name = 'MissingPackage'
}

/** What to throw for an error of `import()`: `remedy` if the module was not found, else the error itself. */
export function missingPackage(error: unknown, remedy: string): unknown {
  const isNotFound = error instanceof Error && 'code' in error && /MODULE_NOT_FOUND$/.test(String(error.code))
  return isNotFound ? new MissingPackage(remedy, { cause: error }) : error
}
