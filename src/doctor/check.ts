/** What a check of `lull doctor` is: a file in checks/, and a line in the list of doctor.ts. */
import type { Finding } from './finding.js'
import type { Surroundings } from './surroundings.js'

export interface Check {
  /** Names the finding if Redis refuses what the check needs. */
  name: string
  /** Returns one finding, or one for each thing it looked at. May throw: the error becomes a finding. */
  look(surroundings: Surroundings): Finding | Finding[] | Promise<Finding | Finding[]>
}
