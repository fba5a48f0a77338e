/**
 * What is done to a process in a campaign, and how it is undone.
 *
 * `end`: it is asked to stop, and hands over what it leads. `cut`: nothing passes between it and the others. `mute`: what it sends is lost. `deaf`: what is sent to it is lost.
 * `bridge`: the others are two halves that hear nothing of each other, and one in the middle hears both.
 */
import { Random } from '../../../src/core/base/random.ts'
import type { Proxies } from '../proxy.ts'

export const FAULTS = ['end', 'kill', 'stop', 'busy', 'cut', 'mute', 'deaf', 'bridge'] as const
export type Fault = (typeof FAULTS)[number]
/** Of each kind how many. */
export type FaultCounts = Readonly<Record<Fault, number>>

export interface Victim {
  readonly name: string
  readonly signal: (signal: NodeJS.Signals) => void
  /** Two halves for a bridge; whoever is in neither hears both. */
  readonly halves: readonly [readonly string[], readonly string[]]
}

const BUSY_SIGNAL = 'SIGUSR2'

/** Options of Node for a process that can be made busy: it then looks at nothing else for so long. */
export function canBeBusy(ms: number): readonly string[] {
  const code = `process.on('${BUSY_SIGNAL}', () => { const end = performance.now() + ${ms}; while (performance.now() < end); })`
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`]
}

export function inflict(fault: Fault, { name, signal, halves }: Victim, proxies: Proxies): void {
  switch (fault) {
    case 'end':
      return signal('SIGTERM')
    case 'kill':
      return signal('SIGKILL')
    case 'stop':
      return signal('SIGSTOP')
    case 'busy':
      return signal(BUSY_SIGNAL)
    case 'cut':
      return proxies.cut((from, to) => from === name || to === name)
    case 'mute':
      return proxies.cut((from) => from === name)
    case 'deaf':
      return proxies.cut((_, to) => to === name)
    case 'bridge': {
      const [left, right] = halves
      return proxies.cut((from, to) => areApart(left, right, from, to) || areApart(right, left, from, to))
    }
  }
}

function areApart(these: readonly string[], those: readonly string[], from: string, to: string): boolean {
  return these.includes(from) && those.includes(to)
}

/** Whether the process is gone by it. */
export function isFatal(fault: Fault): boolean {
  return fault === 'end' || fault === 'kill'
}

/** Ends what does not end by itself. */
export function undo(fault: Fault, { signal }: Victim, proxies: Proxies): void {
  if (fault === 'stop') signal('SIGCONT')
  proxies.heal()
}

/** All of them, shuffled. */
export function drawFaults(counts: FaultCounts, random: Random): readonly Fault[] {
  const left = FAULTS.flatMap((fault) => Array.from({ length: counts[fault] }, () => fault))
  return Array.from({ length: left.length }, () => left.splice(random.below(left.length), 1)[0] as Fault)
}
