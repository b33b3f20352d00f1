// A handler that commits before it sends. It works for WORK_MS before that, and for STAY_MS afterwards. It prints a line
// of stdout for each batch that it begins (BEGUN), sends (SENT) or must not send (SUPERSEDED; STOPPED_SHORT if the reason
// is another one, such as a lost lock).
import { setTimeout as delay } from 'node:timers/promises'

const { WORK_MS = '0', STAY_MS = '0' } = process.env
const print = (what, about) => console.log(`${what} ${JSON.stringify(about)}`)

export default async ({ batchId, text, provisional, supersedes }, { commit, signal }) => {
  print('BEGUN', { batchId, text, provisional, supersedes })
  try {
    await delay(Number(WORK_MS), undefined, { signal })
    const { again } = await commit()
    print('SENT', { batchId, text, again })
    await delay(Number(STAY_MS), undefined, { signal })
  } catch (error) {
    if (signal.reason?.code === 'ERR_SUPERSEDED') print('SUPERSEDED', { batchId, by: signal.reason.by })
    else if (error.code === 'ERR_SUPERSEDED') print('SUPERSEDED', { batchId, by: error.by })
    else print('STOPPED_SHORT', { batchId })
    throw error
  }
}
