/** Mocha's spec reporter; at the end the counts go to the file that `npm test` names, for its closing line. */
const { writeFileSync } = require('node:fs')
const { reporters, Runner } = require('mocha')

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      const report = process.env.LULL_TEST_REPORT
      if (report) writeFileSync(report, JSON.stringify({ passes, failures, pending }))
    })
  }
}
