import { expect } from 'chai'
import { LazyAbort, onAbort, WithSignal } from '../../src/lazy-abort.js'

const WHY = new Error('why')

describe('LazyAbort', () => {
  it('aborts its signal, read before or after, with the first reason', () => {
    const abort = new LazyAbort()
    const before = abort.signal
    abort.abort(WHY)
    abort.abort(new Error('another'))
    expect(before.reason).to.equal(WHY)
    expect(abort.signal).to.equal(before)

    const late = new LazyAbort()
    late.abort(WHY)
    expect(late.signal.reason).to.equal(WHY)
  })
})

describe('an object with a signal that is made when it is read', () => {
  it('makes none until then, and always the same', () => {
    let made = 0
    const of = new WithSignal({
      get signal() {
        made += 1
        return new AbortController().signal
      },
    })
    expect(made).to.equal(0)
    expect(of.signal).to.be.an.instanceOf(AbortSignal)
    expect(made).to.equal(1)
    const lazy = new WithSignal(new LazyAbort())
    expect(lazy.signal).to.equal(lazy.signal)
  })

  it('gives it to its copies', () => {
    const abort = new LazyAbort()
    const copy = { ...new WithSignal(abort), more: 1 }
    expect(copy.signal).to.equal(abort.signal)
  })
})

describe('onAbort', () => {
  const forms = {
    'a LazyAbort': () => {
      const lazy = new LazyAbort()
      return { of: lazy, end: () => lazy.abort(WHY) }
    },
    'an object with its signal': () => {
      const lazy = new LazyAbort()
      return { of: new WithSignal(new WithSignal(lazy)), end: () => lazy.abort(WHY) }
    },
    'any other object with a signal': () => {
      const controller = new AbortController()
      return { of: { signal: controller.signal }, end: () => controller.abort(WHY) }
    },
  }
  for (const [name, make] of Object.entries(forms)) {
    it(`calls the listener once, now or later, with the reason: ${name}`, () => {
      const { of, end } = make()
      const heard: unknown[] = []
      onAbort(of, reason => heard.push(reason))
      expect(heard).to.deep.equal([])
      end()
      end()
      expect(heard).to.deep.equal([WHY])
      onAbort(of, reason => heard.push(reason))
      expect(heard).to.deep.equal([WHY, WHY])
    })

    it(`calls no listener that has left: ${name}`, () => {
      const { of, end } = make()
      const heard: unknown[] = []
      onAbort(of, reason => heard.push(reason))()
      end()
      expect(heard).to.deep.equal([])
    })
  }

  it('makes no signal', () => {
    const lazy = new LazyAbort()
    onAbort(new WithSignal(lazy), () => {})
    expect(Reflect.get(lazy, 'controller')).to.equal(undefined)
  })
})
