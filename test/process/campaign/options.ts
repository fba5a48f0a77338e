/**
 * The command line of a campaign.
 */
import { parseArgs } from 'node:util'
import { FAULTS, type Fault, type FaultCounts } from './faults.ts'
import { TARGETS, type TargetName } from './targets.ts'

export interface CampaignOptions {
  readonly target: TargetName
  readonly replicas: number
  readonly faults: FaultCounts
  readonly leaseMs: number
  /** How long a fault lasts that does not end by itself. */
  readonly leases: number
  readonly seed: number
}

export interface CommandLine extends CampaignOptions {
  readonly json: boolean
  readonly help: boolean
  readonly history: string | undefined
}

/** The command line made no sense; the message says what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** How the options of the faults are called, and how many there are by default. */
const COUNTS: Readonly<Record<Fault, readonly [option: string, usual: number]>> = {
  end: ['ends', 3],
  kill: ['kills', 10],
  stop: ['stops', 5],
  busy: ['busy', 5],
  cut: ['cuts', 3],
  mute: ['mute', 3],
  deaf: ['deaf', 3],
  bridge: ['bridges', 3],
}

export const HELP = `npm run campaign -- [TARGET] [options]

Real replica processes under load, hit again and again; then judges look at what their clients saw.

Targets:
  seat        the process that leads a group, of three that stand for it; the default
  lock        the process that holds a lock, of three that want it
  leader      the replica that leads the keyspace of the clients
  registers   any replica; clients work on registers all the while, with the other targets as well

How often each is done, and to whom the target says:
  --ends N      SIGTERM: it hands over what it leads; ${COUNTS.end[1]} by default
  --kills N     SIGKILL; ${COUNTS.kill[1]}
  --stops N     SIGSTOP; ${COUNTS.stop[1]}
  --busy N      a loop that leaves the process no time for anything else; ${COUNTS.busy[1]}
  --cuts N      nothing passes between it and the others; ${COUNTS.cut[1]}
  --mute N      what it sends is lost; ${COUNTS.mute[1]}
  --deaf N      what is sent to it is lost; ${COUNTS.deaf[1]}
  --bridges N   two halves that hear nothing of each other, and one replica that hears both; ${COUNTS.bridge[1]}

  --replicas N    3, the default, or 5
  --lease-ms N    800 by default
  --leases N      how long a fault lasts that does not end the process; 3 by default
  --seed N        draws order, victims and load; the processes' own timing is not replayed by it
  --history FILE  writes the history there
  --json          prints the result as JSON
  --help          this text

Ends with 1 when a promise was broken or nobody went on after a fault, with 2 for a command line that makes no sense.
`

export function parseOptions(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args)
  const [target = 'seat', extra] = positionals
  if (extra !== undefined) throw new UsageError(`${JSON.stringify(extra)} is one argument too many`)
  if (!(TARGETS as readonly string[]).includes(target)) {
    throw new UsageError(`there is no target ${JSON.stringify(target)}: use ${TARGETS.join(', ')}`)
  }
  const whole = (name: string, usual: number, [min, max]: readonly [number, number]): number => {
    const text = values[name]
    if (text === undefined) return usual
    const value = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : NaN
    if (value >= min && value <= max) return value
    throw new UsageError(`--${name} takes a whole number from ${min} to ${max}`)
  }
  const replicas = whole('replicas', 3, [3, 5])
  if (replicas === 4) throw new UsageError('--replicas is 3 or 5')
  const faults = FAULTS.map((fault) => [fault, whole(...COUNTS[fault], [0, 100_000])] as const)
  return {
    target: target as TargetName,
    replicas,
    faults: Object.fromEntries(faults) as Record<Fault, number>,
    leaseMs: whole('lease-ms', 800, [100, 60_000]),
    leases: whole('leases', 3, [1, 10_000]),
    seed: whole('seed', Date.now() % 1_000_000, [0, Number.MAX_SAFE_INTEGER]),
    json: values['json'] === true,
    help: values['help'] === true,
    history: values['history'] as string | undefined,
  }
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs> {
  const text = { type: 'string' } as const
  const named = [...Object.values(COUNTS).map(([name]) => name), 'replicas', 'lease-ms', 'leases', 'seed', 'history']
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(named.map((name) => [name, text])),
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
