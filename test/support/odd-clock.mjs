// For `node --import`: a wall clock that is off by LULL_TEST_CLOCK_OFF_MS, or, with LULL_TEST_CLOCK_JUMPS, jumps there
// and back all the time. Timers are not affected, as they are not when a machine's clock is set.
const { LULL_TEST_CLOCK_OFF_MS = '0', LULL_TEST_CLOCK_JUMPS } = process.env
const JUMPS_EVERY_MS = 70

const offMs = Number(LULL_TEST_CLOCK_OFF_MS)
const RealDate = Date
const isOff = () => LULL_TEST_CLOCK_JUMPS === undefined || Math.floor(performance.now() / JUMPS_EVERY_MS) % 2 === 0
const now = () => RealDate.now() + (isOff() ? offMs : 0)

globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [now()] : given))
  }

  static now = now
}
