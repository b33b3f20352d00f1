import { expect } from 'chai'
import fc from 'fast-check'
import { z } from 'zod'
import { degrees, filledText, flag, id, lenient, list, number, text, time } from '../../../src/providers/fields.js'
import { reader } from '../../../src/providers/reader.js'

const NAMES = ['a', 'b', 'c']

const leaf = fc.constantFrom<z.ZodType>(
  ...[id, text, filledText, flag, number, degrees, list, time],
  ...[z.string(), z.string().min(1), z.number(), z.boolean(), z.enum(['x', 'y'])],
  ...[z.unknown(), z.unknown().optional(), z.record(z.string(), z.unknown())],
  z.string().transform(said => ({ said })),
)

/** Shapes as providers declare them, and combinations that none declares. */
const { shape } = fc.letrec<{ shape: z.ZodType }>(tie => {
  const some = tie('shape')
  return {
    shape: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.dictionary(fc.constantFrom(...NAMES), some, { minKeys: 1 }).map(fields => z.object(fields)),
      fc.dictionary(fc.constantFrom(...NAMES), some).map(fields => z.object(fields).strict()),
      some.map(each => z.array(each)),
      some.map(each => lenient(each)),
      some.map(each => each.optional()),
      some.map(each => each.catch('caught')),
      some.map(each => each.default(() => 'absent')),
      some.map(each => each.transform(value => [value])),
      fc.tuple(some, some).map(pair => z.union(pair)),
    ),
  }
})

const { value } = fc.letrec(tie => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom('', 'x', ' 1 ', '12.5', '2026-11-29T09:00:00Z', 0, 1, -1, 1e12, Number.NaN, true, null, undefined),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES, 'd'), tie('value')),
  ),
}))

const RUNS = 500

describe('reader', () => {
  it('reads every value by every shape as zod does', () => {
    let read = 0
    fc.assert(
      fc.property(shape, value, (anyShape, anyValue) => {
        const parsed = anyShape.safeParse(anyValue)
        if (parsed.data !== undefined) read += 1
        expect(kept(reader(anyShape)(anyValue))).to.deep.equal(kept(parsed.data))
      }),
      { numRuns: RUNS, seed: 18 },
    )
    expect(read).to.be.above(RUNS / 10)
  })

  it('leaves out fields without a value, and fields that the shape does not name', () => {
    const read = reader(z.object({ id, text, of: lenient(z.object({ id })) }))
    expect(read({ id: 7, text: null, of: 'none', others: 1 })).to.have.all.keys('id')
  })

  it('misses a field that has to be there, whatever its value', () => {
    const shape = z.object({ a: z.custom(() => true) })
    expect(shape.safeParse({}).success).to.equal(false)
    expect(reader(shape)({})).to.equal(undefined)
    expect(reader(shape)({ a: undefined })).to.deep.equal({})
  })

  it('takes nothing from the name __proto__', () => {
    const read = reader(z.object({ text, of: lenient(z.object({ text })) }))
    expect(read(JSON.parse('{"__proto__":{"text":"x"},"of":{"__proto__":{"text":"y"}}}'))).to.deep.equal({ of: {} })
  })

  it('calls what makes a default for each value, so that two messages do not share a list', () => {
    const read = reader(z.object({ list }))
    const [one, other] = [read({}), read({})]
    expect(one).to.deep.equal({ list: [] })
    expect(one?.list).not.to.equal(other?.list)
  })
})

/** Without the fields that have no value. */
function kept(read: unknown): unknown {
  if (Array.isArray(read)) return read.map(kept)
  if (typeof read !== 'object' || read === null) return read
  return Object.fromEntries(Object.entries(read).flatMap(([name, of]) => (of === undefined ? [] : [[name, kept(of)]])))
}
