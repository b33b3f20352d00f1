/** `shapeOf` refuses at compile time a shape that is not of its type: without one of these errors this file does not compile. */
import { expect } from 'chai'
import { z } from 'zod'
import { shapeOf } from '../../src/shape-of.js'

interface Cake {
  name: string
  layers?: number
  box?: { ribbon?: 'red' | 'blue' }
}

describe('shapeOf', () => {
  it('returns the shape of a type', () => {
    const box = z.object({ ribbon: z.enum(['red', 'blue']).optional() }).optional()
    const shape = shapeOf<Cake>()(z.object({ name: z.string(), layers: z.number().optional(), box }))
    expect(shape.parse({ name: 'plain' })).to.deep.equal({ name: 'plain' })
  })

  it('compiles for no other shape', () => {
    const layers = z.number().optional()
    const box = z.object({ ribbon: z.enum(['red', 'blue']).optional() }).optional()
    const others = [
      // @ts-expect-error: an optional field is missing
      shapeOf<Cake>()(z.object({ name: z.string(), box })),
      // @ts-expect-error: an optional field of a field is missing
      shapeOf<Cake>()(z.object({ name: z.string(), layers, box: z.object({}).optional() })),
      // @ts-expect-error: one field too many
      shapeOf<Cake>()(z.object({ name: z.string(), layers, box, candles: z.number().optional() })),
      // @ts-expect-error: a required field is optional
      shapeOf<Cake>()(z.object({ name: z.string().optional(), layers, box })),
      // @ts-expect-error: another type
      shapeOf<Cake>()(z.object({ name: z.string(), layers: z.string().optional(), box })),
    ]
    expect(others).to.have.length(5)
  })
})
