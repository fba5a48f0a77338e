/**
 * A short campaign against each target: every kind of fault once, on real processes. `npm run campaign` does the same
 * as often as is asked for, and prints how long it took until somebody went on.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildCli, type BuiltCli } from './built-cli.ts'
import { runCampaign } from './campaign/campaign.ts'
import { FAULTS, type Fault } from './campaign/faults.ts'
import { parseOptions, UsageError } from './campaign/options.ts'
import { TARGETS } from './campaign/targets.ts'
import { killAll } from './replica.ts'

const SEED = Number(process.env['CAMPAIGN_SEED'] ?? Date.now() % 1_000_000)
const ONCE = Object.fromEntries(FAULTS.map((fault) => [fault, 1])) as Record<Fault, number>

let built: BuiltCli | undefined

beforeAll(() => {
  built = buildCli()
}, 120_000)

afterAll(() => {
  killAll()
  built?.remove()
})

test.for(TARGETS)(
  'campaign: %s hit by every fault once keeps every promise, and somebody goes on each time',
  { timeout: 300_000 },
  async (target) => {
    console.log(`CAMPAIGN_SEED=${SEED}`)
    const setting = { target, replicas: 3, faults: ONCE, leaseMs: 800, leases: 3, seed: SEED }
    const result = await runCampaign({ ...setting, main: built?.main ?? '' })
    expect(result.violations).toEqual([])
    expect(Object.keys(result.recoveries).toSorted()).toEqual([...FAULTS].toSorted())
    expect(result.operations.ok).toBeGreaterThan(200)
    expect(result.checked.linearizable).toBeGreaterThan(100)
    if (target === 'registers') return
    expect(result.leaders).toBeGreaterThan(5)
    if (target === 'leader') return
    expect(result.late.refusedByReplicas).toBeGreaterThan(3)
    expect(result.late.refusedByGate).toBeGreaterThan(3)
  },
)

describe('the command line of a campaign', () => {
  test('counts, target and lease are read; what is left out has defaults', () => {
    expect(parseOptions(['lock', '--kills', '100', '--stops', '0', '--replicas', '5', '--json'])).toMatchObject({
      target: 'lock',
      replicas: 5,
      json: true,
      leaseMs: 800,
      leases: 3,
      faults: { kill: 100, stop: 0, busy: 5 },
    })
  })

  test.for([
    [['everybody'], /no target "everybody": use seat, lock, leader, registers/],
    [['seat', 'lock'], /"lock" is one argument too many/],
    [['--kills', 'many'], /--kills takes a whole number from 0/],
    [['--replicas', '4'], /--replicas is 3 or 5/],
    [['--kill', '3'], /Unknown option '--kill'/],
  ] as const)('%j is refused', ([args, message]) => {
    expect(() => parseOptions(args)).toThrow(UsageError)
    expect(() => parseOptions(args)).toThrow(message)
  })
})
