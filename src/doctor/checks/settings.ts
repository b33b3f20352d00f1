/** Whether all processes run with the same settings, and with those of this environment. */
import { fingerprintOf, type Presence, type Settings, sharedSettings } from '../../presence/presence.js'
import type { Check } from '../check.js'
import { counted, degraded, type Finding, listed, ok, wrong } from '../finding.js'
import { livePresences, type Surroundings } from '../surroundings.js'

export const settings: Check = { name: 'settings', look }

function look(surroundings: Surroundings): Finding {
  const check = 'settings'
  const live = livePresences(surroundings)
  const own = sharedSettings(surroundings.config)
  const prints = new Set([...live.values()].map(({ fingerprint }) => fingerprint))
  const remedy =
    'restart them with one environment; PM2 keeps the old one without --update-env: pm2 reload ecosystem.config.cjs --update-env, then pm2 save'
  if (prints.size === 0) return ok(check, `no process has published its settings; here they are ${fingerprintOf(own)}`)
  if (prints.size > 1) {
    const says = `${counted(live.size, 'process', 'processes')} run with ${prints.size} different settings`
    return { ...wrong(check, says, remedy), details: differences(live) }
  }
  const [theirs] = live.values()
  if (theirs && theirs.fingerprint !== fingerprintOf(own)) {
    const says = `${counted(live.size, 'process runs', 'processes run')} with settings ${theirs.fingerprint}, and this environment has others`
    const otherwise = `run doctor with the environment that they have, or, if this is the newer one, ${remedy}`
    return { ...degraded(check, says, otherwise), details: changed(theirs.settings, own) }
  }
  return ok(check, `settings ${fingerprintOf(own)} in ${counted(live.size, 'process', 'processes')}, and here`)
}

/** A line a setting: `LULL_QUIET_GAP_MS=5000 in api.host.12, 10000 in processor.host.13` */
function differences(live: Map<string, Presence>): string[] {
  const processes = [...live].sort(([a], [b]) => (a < b ? -1 : 1))
  return differing([...live.values()].map(presence => presence.settings)).map(name => {
    const byValue = new Map<string, string[]>()
    for (const [process, presence] of processes) {
      const value = String(presence.settings[name] ?? 'unset')
      byValue.set(value, [...(byValue.get(value) ?? []), process])
    }
    return `${name}=${[...byValue].map(([value, processes]) => `${value} in ${listed(processes)}`).join(', ')}`
  })
}

const changed = (theirs: Settings, own: Settings): string[] =>
  differing([theirs, own]).map(name => `${name}=${theirs[name] ?? 'unset'} there, ${own[name] ?? 'unset'} here`)

/** Names of the settings that differ. Settings that only one of two kinds of handover has do not count. */
function differing(all: Settings[]): string[] {
  const differs = (name: string) => new Set(all.map(settings => settings[name])).size > 1
  const kindsDiffer = differs('LULL_HANDOVER')
  const isOfOneKind = (name: string) => kindsDiffer && all.some(settings => settings[name] === undefined)
  return [...new Set(all.flatMap(Object.keys))].filter(name => differs(name) && !isOfOneKind(name))
}
