import { expect } from 'chai'
import { explain, oneLine } from '../../../src/cli/explain.js'
import { StoreUnavailable } from '../../../src/store/store.js'

describe('explain', () => {
  it('a Redis that is not there: start it, or say where one runs', () => {
    const error = new StoreUnavailable('connection', 'Redis at redis://h:1 can not be reached (ECONNREFUSED)')
    expect(explain(error)).to.equal(
      'Redis at redis://h:1 can not be reached (ECONNREFUSED): start it there, or set REDIS_URL to where one runs',
    )
  })

  it('another server than Redis: check host and port', () => {
    const hungUp = new StoreUnavailable('connection', 'Redis at redis://h:80 can not be reached (EPIPE)')
    const spoke = new Error('Unknown RESP type 72 "H". Please report this.')
    for (const error of [hungUp, spoke])
      expect(explain(error)).to.match(/is it Redis that listens there\? Check the host/)
  })

  it('a database that does not exist: name another', () => {
    expect(explain(new Error('ERR DB index is out of range'))).to.match(/REDIS_URL names a database .*: name another/)
  })

  it('what says so itself is left as it is', () => {
    expect(explain(new Error('PORT=x: must be a port'))).to.equal('PORT=x: must be a port')
    expect(explain('a word')).to.equal('a word')
  })

  it('one line is one line, and moves no cursor', () => {
    expect(oneLine('\n  first\u001b[2J line\r\nsecond\n')).to.equal('first [2J line')
    expect(oneLine('')).to.equal('unknown error')
  })
})
