/**
 * What a store is told of the Redis servers that it is kept on: how many partitions it has there, and how many replicas
 * must have a write before it counts.
 */
import { z } from 'zod'
import { declaredIn, setting, whole } from '../config/setting.js'

const MOST_PARTITIONS = 1024
const MOST_REPLICAS = 100

/** The setting has no default: the store takes it from its Redis. */
const partitions = whole(1, MOST_PARTITIONS, 1)

export const deploymentSettings = z.object({
  partitions: setting(
    'LULL_PARTITIONS',
    'How many partitions the conversations are spread over. Fixed once there are any: see docs/operations.md for how to change it. All processes need the same.',
    {
      ...partitions,
      schema: z.number().int().min(1).max(MOST_PARTITIONS).optional(),
      preset: '64 on a Cluster, else none',
    },
  ),
  waitReplicas: setting(
    'LULL_WAIT_REPLICAS',
    'How many replicas must have a message before it is accepted, a claim before its batch is handed over, and a commit, a pause, an edit and the like before they are acknowledged (Redis’s `WAIT`). With fewer the webhook is answered 503. See docs/operations.md.',
    whole(0, MOST_REPLICAS, 0),
  ),
})

/** What a store is told of its Redis servers. */
export interface DeploymentOptions {
  /**
   * How many partitions the conversations are spread over, for the life of the data: a whole number from 1 to 1024. All
   * processes need the same. One out of bounds throws a `RangeError`.
   * @defaultValue 64 on a Cluster, else none
   */
  partitions?: number | undefined
  /**
   * How many replicas must have a message before it is accepted, a claim before its batch is handed over, and a commit,
   * a pause, an edit and the like before they are acknowledged: a whole number from 0 to 100. With fewer the call
   * rejects with a `StoreUnavailable`.
   * @defaultValue 0
   */
  waitReplicas?: number | undefined
}

export type Deployment = z.output<typeof deploymentSettings>

/** @throws {RangeError} naming the option, its value and its bounds */
export function deploymentFrom({ partitions, waitReplicas }: DeploymentOptions): Deployment {
  const given = { partitions, waitReplicas }
  const parsed = deploymentSettings.safeParse(given)
  if (parsed.success) return parsed.data
  const name = parsed.error.issues[0]?.path[0]
  const [, bad] = declaredIn(deploymentSettings).find(([each]) => each === name) ?? []
  throw new RangeError(`${String(name)}=${String(given[name as keyof Deployment])}: ${bad?.bounds}`)
}
