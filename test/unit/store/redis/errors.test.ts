/** Which errors of Redis pass, so that a call is repeated and no attempt counts, and which are defects. */
import { expect } from 'chai'
import { ReplyError } from 'ioredis'
import { redisError } from '../../../../src/store/redis/errors.js'
import { StoreUnavailable } from '../../../../src/store/store.js'

const WHERE = 'redis://127.0.0.1:7000'
const SCRIPT = ' script: 1fd03da6f5f1df3ad5a5b1b4e9b83a1f31b4e1a0, on @user_script:3.'

const PASSING: [reason: StoreUnavailable['reason'], messages: string[]][] = [
  [
    'moving',
    [
      'MOVED 3999 127.0.0.1:7001',
      'ASK 3999 127.0.0.1:7001',
      'TRYAGAIN Multiple keys request during rehashing of slot',
      `ERR Script attempted to access a non local key in a cluster node${SCRIPT}`,
    ],
  ],
  [
    'cluster',
    [
      'CLUSTERDOWN The cluster is down',
      'CLUSTERDOWN Hash slot not served',
      'Too many Cluster redirections. Last error: ReplyError: MOVED 3999 127.0.0.1:7001',
      'Failed to refresh slots cache.',
    ],
  ],
  [
    'replicas',
    ['NOREPLICAS Not enough good replicas to write.', `NOREPLICAS Not enough good replicas to write.${SCRIPT}`],
  ],
  [
    'readonly',
    [
      "READONLY You can't write against a read only replica.",
      'ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 …',
      'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
    ],
  ],
  ['loading', ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."]],
  ['misconf', ['MISCONF Redis is configured to save RDB snapshots']],
  [
    'auth',
    [
      `ERR The user executing the script can't run this command or subcommand${SCRIPT}`,
      `ERR ACL failure in script: User default has no permissions to run the 'publish' command${SCRIPT}`,
    ],
  ],
  ['memory', [`OOM command not allowed when used memory > 'maxmemory'.${SCRIPT}`]],
]

const DEFECTS = [
  "CROSSSLOT Keys in request don't hash to the same slot",
  'ERR wrong number of arguments',
  'ERR user_script:3: attempt to index a nil value',
  'EXECABORT Transaction discarded because of previous errors.',
  'WRONGTYPE Operation against a key holding the wrong kind of value',
  // No word of an error code alone makes it one.
  'ASKING is not known here',
]

describe('an error of Redis', () => {
  for (const [reason, messages] of PASSING)
    for (const message of messages)
      it(`passes (${reason}): ${message.slice(0, 70)}`, () => {
        const error = redisError(new ReplyError(message), WHERE)
        expect(error).to.be.instanceOf(StoreUnavailable).and.to.include({ reason })
        expect(error.message, 'the server').to.include(WHERE)
        expect(error.message, 'no line of a script').not.to.include('user_script')
      })

  for (const message of DEFECTS)
    it(`is a defect, as it is: ${message.slice(0, 70)}`, () => {
      const error = new ReplyError(message)
      expect(redisError(error, WHERE)).to.equal(error)
    })

  it('of a database that a Cluster has not names the Redis and the remedy', () => {
    const error = redisError(new Error('ERR SELECT is not allowed in cluster mode'), 'redis://h:6379')
    expect(error.message).to.equal('Redis at redis://h:6379 is a Cluster, which has only database 0: name no other one')
  })

  it('of a discarded transaction is that of the command that was refused', () => {
    const discarded = new ReplyError('EXECABORT Transaction discarded because of previous errors.')
    const previousErrors = [new ReplyError('MOVED 3999 127.0.0.1:7001')]
    expect(redisError(Object.assign(discarded, { previousErrors }), WHERE)).to.include({ reason: 'moving' })
  })
})
