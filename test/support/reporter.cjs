/**
 * Mocha's spec reporter. `npm test` names a file in LULL_TEST_REPORT; there the reporter keeps the counts, each failure
 * as mocha prints it, and the test that runs now, so that a test that hangs can be named.
 */
const { writeFileSync } = require('node:fs')
const { format } = require('node:util')
const { reporters, Runner } = require('mocha')

const { EVENT_HOOK_BEGIN, EVENT_HOOK_END, EVENT_RUN_END, EVENT_TEST_BEGIN, EVENT_TEST_FAIL } = Runner.constants
/** Lines of a failure that are repeated at the end. The whole failure is printed where it happened. */
const MOST_LINES = 40

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    const file = process.env.LULL_TEST_REPORT
    if (!file) return
    const failed = []
    let test = ''
    const report = now => {
      const { passes, failures, pending } = this.stats
      writeFileSync(file, JSON.stringify({ passes, failures, pending, failed, now }))
    }
    runner.on(EVENT_TEST_BEGIN, begun => {
      test = begun.fullTitle()
      report(test)
    })
    runner.on(EVENT_HOOK_BEGIN, hook => report(hook.fullTitle()))
    // The hooks of a test run after its begin.
    runner.on(EVENT_HOOK_END, () => report(test))
    runner.on(EVENT_TEST_FAIL, failure => void failed.push(asPrinted(failure)))
    runner.once(EVENT_RUN_END, () => report())
  }
}

/** A failure as mocha prints it: titles, error, difference, stack. */
function asPrinted(failure) {
  const { Base } = reporters
  const { consoleLog } = Base
  const printed = []
  Base.consoleLog = (...args) => void printed.push(format(...args))
  try {
    Base.list([failure])
  } finally {
    Base.consoleLog = consoleLog
  }
  const lines = printed.join('\n').trim().replace(/^1\) /, '').split('\n')
  return lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), '     …'].join('\n') : lines.join('\n')
}
