/** The context of a span as text: https://www.w3.org/TR/trace-context/#traceparent-header. */
import { expect } from 'chai'
import { isSampled, spanContextFrom, traceparentOf } from '../../../src/telemetry/traceparent.js'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

describe('traceparent', () => {
  it('is written and read, sampled or not', () => {
    for (const traceFlags of [0, 1]) {
      const text = traceparentOf({ traceId, spanId, traceFlags })
      expect(text).to.equal(`00-${traceId}-${spanId}-0${traceFlags}`)
      const read = spanContextFrom(text ?? '')
      expect(read).to.deep.equal({ traceId, spanId, traceFlags, isRemote: true })
      expect(read && isSampled(read)).to.equal(traceFlags === 1)
    }
  })

  it('is nothing for the context of a span that does nothing', () => {
    expect(traceparentOf({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 })).to.equal(undefined)
  })

  it('is read as nothing if it is something else', () => {
    const wrong = [
      '',
      'hi',
      `00-${traceId}-${spanId}`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `01-${traceId}-${spanId}-01`,
    ]
    for (const text of [...wrong, `00-${'0'.repeat(32)}-${spanId}-01`, `00-${traceId}-${'0'.repeat(16)}-01`])
      expect(spanContextFrom(text), text).to.equal(undefined)
  })
})
