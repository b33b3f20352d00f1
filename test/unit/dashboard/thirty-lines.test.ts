/** What the page says that thirty lines with setTimeout do wrong. */
import { expect } from 'chai'
import { until } from '../../support/wait.js'

// As the browser gets it: without types.
const { ThirtyLines } = await import(new URL('../../../src/dashboard/play/thirty-lines.js', import.meta.url).href)

const AN_HOUR = 3_600_000

describe('page: thirty lines', () => {
  const answered = async (thirty: InstanceType<typeof ThirtyLines>, id: string) => {
    const before = thirty.log.length
    thirty.append('hi', id)
    await until(() => thirty.log.length > before, { what: 'an answer' })
    return thirty.log.at(-1)
  }

  it('answer while they are still answering, if an answer takes longer than the gap', async () => {
    const thirty = new ThirtyLines(5, AN_HOUR)
    expect((await answered(thirty, '1')).overlaps).to.equal(false)
    expect((await answered(thirty, '2')).overlaps).to.equal(true)
  })

  it('are not accused of that until it is known how long an answer takes', async () => {
    const thirty = new ThirtyLines(5, 0)
    await answered(thirty, '1')
    expect((await answered(thirty, '2')).overlaps).to.equal(false)
    thirty.thinkingMs = AN_HOUR
    expect((await answered(thirty, '3')).overlaps).to.equal(true)
  })
})
