/** What Redis gets of a Lua script does what the text does that people read, with less to do for each call. */
import { expect } from 'chai'
import { shrinkLua } from '../../../scripts/shrink-lua.mjs'

const shrunk = (...lines: string[]) => shrinkLua(`${lines.join('\n')}\n`)

describe('a Lua script for Redis', () => {
  it('has no comments and no indentation', () => {
    const text = shrunk(
      '#!lua flags=allow-oom',
      '--[[',
      'What it does.',
      '--]]',
      '-- Why.',
      'if a then',
      '  -- Why.',
      '',
      '  b()',
      'end',
    )
    expect(text).to.equal('#!lua flags=allow-oom\nif a then\nb()\nend')
  })

  it('has literals for its constants', () => {
    expect(shrunk("local DUE = '.due'", 'local MOST = 100', "call('ZCARD', P .. DUE, MOST)")).to.equal(
      "call('ZCARD', P .. '.due', 100)",
    )
    expect(shrunk("local A, B_C =\n  '[(]\\'', 2", 'f(A, B_C)')).to.equal("f('[(]\\'', 2)")
  })

  it('keeps the name of a constant in a string, in a comment and as a field', () => {
    expect(shrunk("local DUE = '.due'", 'f(\'DUE\', "DUE", t.DUE, t.x.DUE, DUES, DUE) -- DUE')).to.equal(
      "f('DUE', \"DUE\", t.DUE, t.x.DUE, DUES, '.due') -- DUE",
    )
  })

  it('may declare a constant twice, as two functions may include one file', () => {
    const lines = [
      'local function a()',
      '  local MOST = 8',
      '  return MOST',
      'end',
      'local MOST = 8',
      'return a() + MOST',
    ]
    expect(shrunk(...lines)).to.equal('local function a()\nreturn 8\nend\nreturn a() + 8')
  })

  it('keeps a local in capitals that is not a literal', () => {
    const lines = ['local FIRST, EACH = 4 + 1, 4', "local FIELDS = { 'a' }", 'f(FIRST, EACH, FIELDS)']
    expect(shrunk(...lines)).to.equal(lines.join('\n'))
  })

  for (const [what, line] of Object.entries({
    'declares it with another value': "local DUE = '.other'",
    'declares a local of its name': 'local a, DUE = f()',
    'has a parameter of its name': 'local function f(a, DUE) return DUE end',
    'has a loop with its name': 'for _, DUE in ipairs(all) do f(DUE) end',
    'sets it': 'if a then DUE = nil end',
    'has a field of its name': 'f({ DUE = 1 })',
  })) {
    it(`is refused if it has a constant and ${what}`, () => {
      expect(() => shrunk("local DUE = '.due'", line, 'f(DUE)')).to.throw('DUE is')
    })
  }

  it('has no function and no local that it does not use, but every statement that does something', () => {
    const text = shrunk(
      'local times = {}',
      'local function known(a)',
      '  return times[a] and a',
      'end',
      'local function caller(a)',
      '  return known(a)',
      'end',
      'local function used(a)',
      '  local function inner()',
      '    return times',
      '  end',
      '  local function other() return a end',
      '  if other() then return used(a - 1) end',
      'end',
      "local unused = redis.call('TIME')",
      'return used(t.caller)',
    )
    expect(text.split('\n')).to.deep.equal([
      'local function used(a)',
      'local function other() return a end',
      'if other() then return used(a - 1) end',
      'end',
      "local unused = redis.call('TIME')",
      'return used(t.caller)',
    ])
  })

  it('has all in a function but the locals that every function uses', () => {
    const first = ['#!lua', 'local P = KEYS[1]', 'local call = redis.call']
    expect(shrunk(...first, 'if a then return 1 end', "return call('GET', P)").split('\n')).to.deep.equal([
      ...first,
      'local function main()',
      'if a then return 1 end',
      "return call('GET', P)",
      'end',
      'return main()',
    ])
  })
})
