/**
 * Faults as data: what is broken, when, and for how long. A run's schedule of them can be printed, and given back.
 *
 * Hosts are named by index: replicas first, then clients.
 */
import type { CrashMoment } from './host.ts'
import type { Link, NetworkConditions } from './network.ts'

/** What may be enabled in a run. The first four are conditions of the whole network, the others come and go. */
export const FAULT_CLASSES = [
  'loss',
  'duplication',
  'reordering',
  'replay',
  'partition',
  'one-way',
  'partial',
  'flapping',
  'crash',
  'wipe',
  'pause',
  'clock-jump',
  'clock-hour',
  'clock-rate',
  'slow-host',
  'slow-disk',
  'reset',
] as const

export type FaultClass = (typeof FAULT_CLASSES)[number]

interface Timed {
  /** Milliseconds since the run began. */
  readonly atMs: number
  readonly forMs: number
  /** Whether healing leaves it as it is. */
  readonly permanent?: boolean
}

/** Links do not carry messages. */
export interface CutFault extends Timed {
  readonly kind: 'cut'
  /** What it looks like, for people. */
  readonly shape: string
  readonly links: readonly Link[]
  /** Whether messages wait for the end of the cut rather than get lost, as in a connection that is resumed. */
  readonly holds: boolean
  /** Whether both ends are told at once, as by a closed connection. */
  readonly isTold: boolean
}

/** A process ends, and is started again later. */
export interface CrashFault extends Timed {
  readonly kind: 'crash'
  readonly host: number
  readonly moment: CrashMoment
  /** Whether it comes back with an empty disk, */
  readonly wipes: boolean
  /** or, with this, so many milliseconds later, and with a copy of its disk from the beginning of the fault. */
  readonly copiedMs?: number
}

/** A process does not run: garbage collection, a stopped virtual machine. */
export interface PauseFault extends Timed {
  readonly kind: 'pause'
  readonly host: number
}

/** A wall clock is set to something else than true time. */
export interface JumpFault extends Timed {
  readonly kind: 'jump'
  readonly host: number
  readonly aheadMs: number
}

/** Clocks run too fast or too slow; the wall clock is set back in the end. */
export interface RateFault extends Timed {
  readonly kind: 'rate'
  readonly host: number
  readonly rate: number
}

/** All that a host sends and receives takes many times as long, or each flush of its disk does. */
export interface SlowFault extends Timed {
  readonly kind: 'slow' | 'disk'
  readonly host: number
  readonly factor: number
}

/** A connection is closed and opened again. */
export interface ResetFault extends Timed {
  readonly kind: 'reset'
  readonly link: Link
}

export type Fault = CutFault | CrashFault | PauseFault | JumpFault | RateFault | SlowFault | ResetFault

/** Everything that a run does to the store. */
export interface NemesisPlan {
  readonly classes: readonly FaultClass[]
  readonly conditions: NetworkConditions
  /** Whether a crash closes the connections of the process, so that others notice at once. */
  readonly crashesAreTold: boolean
  readonly faults: readonly Fault[]
  /**
   * Replicas that are healed at the end and must then make progress by themselves. All of them in a run without
   * permanent faults.
   */
  readonly core: readonly number[]
}

/** One line for each fault, for people. */
export function describeFault(fault: Fault, names: readonly string[]): string {
  const name = (host: number): string => names[host] ?? String(host)
  const links = (list: readonly Link[]): string => list.map(({ from, to }) => `${name(from)}>${name(to)}`).join(' ')
  const span = `${(fault.atMs / 1000).toFixed(1)}s ${fault.permanent === true ? 'for good' : `+${(fault.forMs / 1000).toFixed(1)}s`}`
  switch (fault.kind) {
    case 'cut':
      return `${span} ${fault.shape}${fault.holds ? ', held back' : ''}${fault.isTold ? ', told' : ''}: ${links(fault.links)}`
    case 'crash':
      return `${span} crash ${name(fault.host)} (${fault.moment}${fault.wipes ? lossOf(fault) : ''})`
    case 'pause':
      return `${span} pause ${name(fault.host)}`
    case 'jump':
      return `${span} clock of ${name(fault.host)} is set ${fault.aheadMs} ms ahead`
    case 'rate':
      return `${span} clocks of ${name(fault.host)} run at ${fault.rate}`
    case 'slow':
      return `${span} network of ${name(fault.host)} ${fault.factor} times slower`
    case 'disk':
      return `${span} disk of ${name(fault.host)} ${fault.factor} times slower`
    case 'reset':
      return `${span} connection ${links([fault.link])} closed`
  }
}

function lossOf({ copiedMs }: CrashFault): string {
  return copiedMs === undefined ? ', wiped' : `, restored from ${copiedMs} ms before`
}
