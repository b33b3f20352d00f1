// The steps of a script: printing progress, and running a command to its end. A signal that reaches the script while a
// command runs is forwarded to the command and then ends the script, since npm and Docker signal the script alone.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Prints progress to stderr: stdout belongs to the command that follows. */
export const say = line => void process.stderr.write(`lull: ${line}\n`)

/**
 * Resolves to the exit code of a command, whose output is shown; 127 if there is no such command.
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, exitOnSignal?: boolean, endWith?: NodeJS.Signals }} [options]
 *   `exitOnSignal: false`: the script goes on after a signal has ended the command, so that it can clean up;
 *   `endWith`: the signal that is forwarded for any signal: the one on which the command ends cleanly
 */
export function runToEnd(command, args, { exitOnSignal = true, endWith, ...options } = {}) {
  return new Promise((resolve, reject) => {
    // The output of a step is progress, so it goes to stderr too.
    const child = spawn(command, args, { stdio: ['inherit', exitOnSignal ? 2 : 'inherit', 'inherit'], ...options })
    let received
    const forward = signal => {
      received = signal
      child.kill(endWith ?? signal)
    }
    for (const signal of SIGNALS) process.on(signal, forward)
    const done = () => {
      for (const signal of SIGNALS) process.off(signal, forward)
    }
    child.once('error', error => {
      done()
      if (error.code === 'ENOENT') resolve(127)
      else reject(error)
    })
    child.once('exit', (code, signal) => {
      done()
      const exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
      if (received && exitOnSignal) process.exit(128 + constants.signals[received])
      resolve(exitCode)
    })
  })
}

/** Runs a script's main function: an error is one line and exit code 1. */
export async function runScript(main) {
  try {
    process.exitCode = (await main()) ?? 0
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
