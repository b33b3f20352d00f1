/** A slot of a Cluster moved key by key, as `redis-cli --cluster reshard` does it. */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { ClusterNode } from './cluster-node.js'

/** A move that has begun: the slot is `migrating` at its owner and `importing` at the target. */
export interface SlotMove {
  slot: number
  from: ClusterNode
  to: ClusterNode
  /** Moves at most so many keys, in one MIGRATE. Resolves to how many; 0: none is left. */
  step(keys: number): Promise<number>
  /** Moves what is left, and gives the slot to the target, as `redis-cli --cluster fix` does. */
  finish(options?: MoveOptions): Promise<void>
}

export interface MoveOptions {
  /** Keys in one MIGRATE; redis-cli's default is 10. */
  keysAMigrate?: number
  /** Between two MIGRATEs. */
  delayMs?: number
}

const KEYS_A_MIGRATE = 10
const MIGRATE_TIMEOUT_MS = 10_000

export async function beginMove(
  slot: number,
  from: ClusterNode,
  to: ClusterNode,
  primaries: () => Promise<ClusterNode[]>,
): Promise<SlotMove> {
  await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id)
  await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id)
  return {
    ...{ slot, from, to },
    step: keys => migrate(slot, from, to, keys),
    async finish({ keysAMigrate = KEYS_A_MIGRATE, delayMs = 0 } = {}) {
      while ((await migrate(slot, from, to, keysAMigrate)) > 0) await delay(delayMs)
      // The target first: if the source went first and this stopped here, nobody would own the slot.
      const others = (await primaries()).filter(node => node !== to && node !== from)
      for (const node of [to, from, ...others]) await node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
    },
  }
}

/** Whether a server can move a slot whole, so that clients see MOVED alone: Valkey 9 can. */
export const canMoveWhole = async (node: ClusterNode) =>
  String(await node.ask('CLUSTER', 'HELP')).includes('MIGRATESLOTS')

export async function moveWhole(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
  if (!(await canMoveWhole(from))) throw new Error(`${from.url} has no CLUSTER MIGRATESLOTS`)
  await from.ask('CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', slot, slot, 'NODE', to.id)
}

async function migrate(slot: number, from: ClusterNode, to: ClusterNode, keys: number): Promise<number> {
  const names = z.array(z.string()).parse(await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, keys))
  if (names.length > 0) await from.ask('MIGRATE', to.host, to.port, '', 0, MIGRATE_TIMEOUT_MS, 'KEYS', ...names)
  return names.length
}
