/**
 * The `lull` command: arguments in, an exit code out. 0 is success, 1 a failure explained in one line, 2 a usage error.
 */
import { CommanderError } from 'commander'
import { explain } from './cli/explain.js'
import { createProgram } from './cli/program.js'
import { oneLine } from './cli/show/escape.js'
import { print } from './cli/show/print.js'

const FAILURE = 1
const USAGE = 2
/** After a clean stop the process may live this much longer, if a user's handler has left something open. */
const LINGER_MS = 500

/**
 * Runs a command.
 * @param argv without Node and the script: `['up', '--embedded']`
 * @returns the exit code, when the command has ended
 */
export async function run(argv: string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    print(`lull: ${oneLine(explain(error))}`, process.stderr)
    return FAILURE
  }
}

/** Runs a command as the whole of this process. */
export async function main(argv: string[]): Promise<void> {
  process.exitCode = await run(argv)
  setTimeout(() => process.exit(), LINGER_MS).unref()
}
