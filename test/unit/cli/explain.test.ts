import { expect } from 'chai'
import { explain } from '../../../src/cli/explain.js'
import { oneLine } from '../../../src/cli/show/escape.js'
import { StoreUnavailable } from '../../../src/store/store.js'

describe('explain', () => {
  it('adds to a Redis that cannot be reached: start it, or set REDIS_URL', () => {
    const error = new StoreUnavailable('connection', 'Redis at redis://h:1 can not be reached (ECONNREFUSED)')
    expect(explain(error)).to.equal(
      'Redis at redis://h:1 can not be reached (ECONNREFUSED): start it there, or set REDIS_URL to where one runs',
    )
  })

  it('adds to a server that is not Redis: check host and port', () => {
    const hungUp = new StoreUnavailable('connection', 'Redis at redis://h:80 can not be reached (EPIPE)')
    const spoke = new Error('Unknown RESP type 72 "H". Please report this.')
    for (const error of [hungUp, spoke])
      expect(explain(error)).to.match(/is it Redis that listens there\? Check the host/)
  })

  it('adds to a database that does not exist: name another', () => {
    expect(explain(new Error('ERR DB index is out of range'))).to.match(/REDIS_URL names a database .*: name another/)
  })

  it('leaves an error that names its remedy as it is', () => {
    expect(explain(new Error('PORT=x: must be a port'))).to.equal('PORT=x: must be a port')
    expect(explain('a word')).to.equal('a word')
  })

  it('makes one line without control characters', () => {
    expect(oneLine('\n  first\u001b[2J line\r\nsecond\n')).to.equal('first [2J line')
    expect(oneLine('')).to.equal('unknown error')
  })
})
