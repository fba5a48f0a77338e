/**
 * What goes wrong in a run, drawn from its seed: two to six classes of faults at once, and none of the others.
 *
 * Runs that enable few classes reach states that runs with all of them never do (Groce, Zhang, Eide, Chen, Regehr,
 * "Swarm Testing", ISSTA 2012).
 */
import type { Random } from '../core/base/random.ts'
import { allLinksOf, drawOneWay, drawPartial, drawPartition, shuffled, type Cut, type Hosts } from './cut-shapes.ts'
import { spanMs } from './delays.ts'
import { FAULT_CLASSES, type CrashFault, type Fault, type FaultClass, type NemesisPlan } from './faults.ts'
import type { CrashMoment } from './host.ts'
import type { Link, NetworkConditions } from './network.ts'

export interface NemesisSetting {
  readonly hosts: Hosts
  /** How long clients work: no fault begins later. */
  readonly durationMs: number
  readonly isLww: boolean
  /** How many disks may be lost in all. */
  readonly wipesMax: number
  /** The classes to enable; drawn if left out. */
  readonly classes: readonly FaultClass[] | undefined
  /** The replicas that faults spare in the end; left out when all faults heal. */
  readonly core: readonly number[] | undefined
}

/** Faults begin when the keyspace had time to be opened. */
const CALM_MS = 1500
/** Clocks that are off by this, and then run a fifth too fast, still differ by less than `driftMsMax`. */
const JUMP_MS_MAX = 2500
const RATE_MS_MAX = 10_000
/** Heartbeats are half a second apart: on a network that is slower than this, healthy replicas look unreachable. */
const FAR_MS_MAX = 60
const COPY_RATE = 0.4
const COPY_MS_MAX = 10_000
const HOUR_MS = 3_600_000
const MOMENTS: readonly CrashMoment[] = ['now', 'now', 'request', 'staged', 'staged', 'flush', 'flush', 'flushed']

interface Drawing extends NemesisSetting {
  readonly random: Random
}

export function drawNemesis(random: Random, setting: NemesisSetting): NemesisPlan {
  const classes = setting.classes ?? drawClasses(random, setting.isLww)
  const drawing = { ...setting, random }
  const faults: Fault[] = []
  for (const name of classes) {
    const count = 1 + random.below(2 + Math.floor(setting.durationMs / 10_000))
    for (let i = 0; i < count; i++) faults.push(...drawFaults(drawing, name))
  }
  const { core, hosts } = setting
  if (core !== undefined) faults.push(...drawPermanent(drawing, core))
  return {
    classes,
    conditions: drawConditions(random, classes),
    crashesAreTold: random.chance(0.7),
    faults: limitWipes(faults, setting).toSorted((a, b) => a.atMs - b.atMs),
    core: core ?? shuffled(random, hosts.replicas).toSorted((a, b) => a - b),
  }
}

/** Last-writer-wins keys promise nothing once clocks differ by more than `driftMsMax`, so they are spared that. */
function drawClasses(random: Random, isLww: boolean): FaultClass[] {
  const possible = FAULT_CLASSES.filter((name) => !isLww || name !== 'clock-hour')
  const order = shuffled(random, possible.length)
  const enabled = order.slice(0, 2 + random.below(5))
  return enabled.toSorted((a, b) => a - b).map((at) => possible[at] as FaultClass)
}

function drawConditions(random: Random, classes: readonly FaultClass[]): NetworkConditions {
  const nearMs = random.chance(0.7) ? 0.2 + random.fraction() * 2 : 2 + random.fraction() * 20
  return {
    lossRate: classes.includes('loss') ? Number((random.fraction() * 0.3).toFixed(3)) : 0,
    duplicateRate: classes.includes('duplication') ? Number((random.fraction() * 0.3).toFixed(3)) : 0,
    replayRate: classes.includes('replay') ? Number((random.fraction() * 0.1).toFixed(3)) : 0,
    inOrder: !classes.includes('reordering'),
    nearMs: Number(nearMs.toFixed(2)),
    farMs: Number(Math.min(FAR_MS_MAX, nearMs * (1 + random.fraction() * 10)).toFixed(2)),
  }
}

/** One occurrence of a class; conditions of the whole network have none. */
function drawFaults({ random, hosts, durationMs }: Drawing, name: FaultClass): Fault[] {
  const atMs = CALM_MS + random.below(Math.max(1, durationMs - CALM_MS))
  const replica = random.below(hosts.replicas)
  const host = random.chance(0.8) ? replica : random.below(hosts.all)
  const at = (longestMs: number) => ({ atMs, forMs: spanMs(random, { min: 50, max: longestMs }) })
  switch (name) {
    case 'loss':
    case 'duplication':
    case 'reordering':
    case 'replay':
      return []
    case 'partition':
      return [cut(random, at(15_000), drawPartition(random, hosts))]
    case 'one-way':
      return [cut(random, at(15_000), drawOneWay(random, hosts))]
    case 'partial':
      return random.chance(0.3) ? swizzle(random, atMs, hosts) : [cut(random, at(20_000), drawPartial(random, hosts))]
    case 'flapping':
      return flapping(random, atMs, hosts)
    case 'crash':
      return [{ kind: 'crash', host, moment: random.pick(MOMENTS), wipes: false, ...at(10_000) }]
    case 'wipe':
      return [wipe(random, { kind: 'crash', host: replica, moment: random.pick(MOMENTS), wipes: true, ...at(10_000) })]
    case 'pause':
      return [{ kind: 'pause', host, ...at(8000) }]
    case 'clock-jump':
      return [{ kind: 'jump', host, aheadMs: random.below(2 * JUMP_MS_MAX) - JUMP_MS_MAX, atMs, forMs: 0 }]
    case 'clock-hour':
      return [{ kind: 'jump', host, aheadMs: random.chance(0.5) ? HOUR_MS : -HOUR_MS, atMs, forMs: 0 }]
    case 'clock-rate':
      return [{ kind: 'rate', host, rate: Number((0.8 + random.fraction() * 0.4).toFixed(3)), ...at(RATE_MS_MAX) }]
    case 'slow-host':
      return [{ kind: 'slow', host, factor: random.pick([5, 20, 100]), ...at(15_000) }]
    case 'slow-disk':
      return [{ kind: 'disk', host: replica, factor: random.pick([10, 100, 1000]), ...at(15_000) }]
    case 'reset':
      return [{ kind: 'reset', link: { from: random.below(hosts.all), to: replica }, ...at(1000) }]
  }
}

/** Some come back with an older copy of the disk in place of an empty one. */
function wipe(random: Random, fault: CrashFault): Fault {
  if (!random.chance(COPY_RATE)) return fault
  return { ...fault, moment: 'now', copiedMs: spanMs(random, { min: 200, max: COPY_MS_MAX }) }
}

function cut(random: Random, when: { atMs: number; forMs: number }, { shape, links }: Cut): Fault {
  const isTwoWay = links.every(({ from, to }) => links.some((other) => other.from === to && other.to === from))
  return { kind: 'cut', shape, links, holds: random.chance(0.3), isTold: isTwoWay && random.chance(0.3), ...when }
}

/** One cut that comes and goes many times. */
function flapping(random: Random, atMs: number, hosts: Hosts): Fault[] {
  const draw = random.pick([drawPartition, drawOneWay, drawPartial])
  const { shape, links } = draw(random, hosts)
  const periodMs = 100 + random.below(2000)
  return Array.from({ length: 3 + random.below(8) }, (_, turn) =>
    cut(random, { atMs: atMs + turn * periodMs, forMs: periodMs / 2 }, { shape: `flapping ${shape}`, links }),
  )
}

/** The links of one replica cut one by one, and mended in another order. */
function swizzle(random: Random, atMs: number, hosts: Hosts): Fault[] {
  const host = random.below(hosts.replicas)
  const links = allLinksOf(host, 'both', hosts)
  const ends = shuffled(random, links.length)
  const stepMs = 50 + random.below(500)
  return links.map((link: Link, turn) => {
    const forMs = (links.length - turn + (ends[turn] as number)) * stepMs
    return cut(random, { atMs: atMs + turn * stepMs, forMs }, { shape: 'swizzle', links: [link] })
  })
}

/** One fault that never heals for each replica outside the core. */
function drawPermanent({ random, hosts, durationMs }: Drawing, core: readonly number[]): Fault[] {
  const faults: Fault[] = []
  for (let host = 0; host < hosts.replicas; host++) {
    if (core.includes(host)) continue
    const when = { atMs: CALM_MS + random.below(durationMs), forMs: Infinity, permanent: true }
    const kind = random.below(4)
    const direction = random.pick(['in', 'out', 'both'] as const)
    const links = allLinksOf(host, direction, hosts)
    if (kind === 0) faults.push({ kind: 'crash', host, moment: 'now', wipes: false, ...when })
    else if (kind === 1) faults.push({ kind: 'pause', host, ...when })
    else if (kind === 2) faults.push({ kind: 'slow', host, factor: 100, ...when })
    else faults.push({ kind: 'cut', shape: `cut off, ${direction}`, links, holds: false, isTold: false, ...when })
  }
  return faults
}

/**
 * Keeps the first few wipes and makes plain crashes of the others. Replicas that have to work by themselves are spared:
 * what was on a lost disk may be nowhere else but outside.
 */
function limitWipes(faults: readonly Fault[], { wipesMax, core }: NemesisSetting): Fault[] {
  let left = wipesMax
  return faults.map((fault) => {
    if (fault.kind !== 'crash' || !fault.wipes) return fault
    if (core?.includes(fault.host) !== true && left-- > 0) return fault
    return { ...fault, wipes: false }
  })
}
