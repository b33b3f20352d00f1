import type { Check } from '../check.js'
import { ok } from '../finding.js'

/** Which Redis doctor reached. Two processes that see different data differ in this line. */
export const redis: Check = {
  name: 'redis',
  look: ({ identity: { address, db, prefix, runId, version, partitions } }) => [
    ok(
      'redis',
      `Redis at ${address}, database ${db}, prefix ${prefix}, run_id ${runId}${partitions === undefined ? '' : `, ${partitions} partitions`}`,
    ),
    ok('version', `version ${version}`),
  ],
}
