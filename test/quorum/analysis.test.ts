/**
 * The analysis against brute force: every set of nodes looked at, for systems of every shape.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dual, namesOf, type Expression } from '../../src/core/quorum/expression.ts'
import { availabilityOf, QuorumSystem, type Capacity, type Strategy } from '../../src/quorum/index.ts'
import { resilientMasks } from '../../src/quorum/resilient-quorums.ts'
import { anyExpression, LETTERS, meetsAt, positionsIn, setsOf } from '../core/quorum/any-quorum.ts'
import { holds } from '../property.ts'

const NODES = LETTERS.slice(0, 7)
const SETS = setsOf(NODES.length)
const some = fc.integer({ min: 1, max: 7 }).chain(anyExpression)
const someSystem = some.map((writes) => new QuorumSystem({ reads: dual(writes), writes }))
const small = fc.integer({ min: 1, max: 50 })

function maskOf(names: readonly string[]): number {
  return names.reduce((mask, name) => mask | (1 << LETTERS.indexOf(name)), 0)
}

function sizeOf(mask: number): number {
  return positionsIn(mask).length
}

/** Sets that meet the expression while none of them without a member does. */
function slowlyMinimal(expression: Expression): number[] {
  return SETS.filter((set) => {
    const members = positionsIn(set)
    return meetsAt(expression, set) && members.every((position) => !meetsAt(expression, set & ~(1 << position)))
  })
}

/** Failures after which a quorum is left: every set of so many is tried. */
function slowlyResilient(expression: Expression): number {
  const fatal = SETS.filter((dead) => !meetsAt(expression, ~dead & 127))
  return Math.min(...fatal.map(sizeOf)) - 1
}

test('minimal quorums: those listed are those found by looking at every set', () => {
  holds(
    fc.property(someSystem, (system) => {
      for (const [listed, expression] of [
        [system.readQuorums(), system.reads],
        [system.writeQuorums(), system.writes],
      ] as const) {
        expect(listed.map(maskOf).toSorted((a, b) => a - b)).toEqual(slowlyMinimal(expression))
        const sizes = listed.map(({ length }) => length)
        expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
      }
    }),
    { numRuns: 300 },
  )
})

test('resilience: as many failures as the smallest set that leaves no quorum, less one', () => {
  holds(
    fc.property(someSystem, ({ resilience, reads, writes }) => {
      const [read, write] = [slowlyResilient(reads), slowlyResilient(writes)]
      expect(resilience).toEqual({ read, write, both: Math.min(read, write) })
    }),
    { numRuns: 300 },
  )
})

test('resilient quorums: sets that are quorums after any failures among them', () => {
  holds(
    fc.property(some, fc.integer({ min: 1, max: 2 }), (expression, failures) => {
      const nodes = NODES
      const lost = SETS.filter((set) => sizeOf(set) <= failures)
      const withstands = (set: number): boolean => {
        return sizeOf(set) > 0 && lost.every((dead) => meetsAt(expression, set & ~dead))
      }
      const slowly = SETS.filter(
        (set) => withstands(set) && positionsIn(set).every((position) => !withstands(set & ~(1 << position))),
      )
      expect(resilientMasks({ expression, nodes }, failures).toSorted((a, b) => a - b)).toEqual(slowly)
    }),
  )
})

test('availability: the sum over all sets that hold a quorum', () => {
  holds(
    fc.property(some, fc.double({ min: 0, max: 1, noNaN: true }), (expression, pUp) => {
      let slowly = 0
      for (const set of SETS) {
        if (meetsAt(expression, set)) slowly += pUp ** sizeOf(set) * (1 - pUp) ** (NODES.length - sizeOf(set))
      }
      expect(availabilityOf({ expression, nodes: namesOf(expression) }, pUp)).toBeCloseTo(slowly, 10)
    }),
  )
})

interface Setting {
  readonly system: QuorumSystem
  readonly readFraction: number
  readonly capacities: Record<string, Capacity>
  readonly latencies: Record<string, number>
}

function settings(speed: fc.Arbitrary<number>): fc.Arbitrary<Setting> {
  return someSystem.chain((system) => {
    const each = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Record<string, Value>> =>
      fc
        .tuple(...system.nodes.map(() => value))
        .map((values) => Object.fromEntries(system.nodes.map((n, i) => [n, values[i] as Value])))
    return fc.record({
      system: fc.constant(system),
      readFraction: fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
      capacities: each(fc.record({ read: speed, write: speed })),
      latencies: each(small),
    })
  })
}

const anySetting = settings(small)

/** What each node does per operation when these quorums are asked, by the definition. */
function nodeLoads(
  { system, readFraction, capacities }: Setting,
  { reads, writes }: Pick<Strategy, 'reads' | 'writes'>,
): number[] {
  return system.nodes.map((node) => {
    const asked = (choices: Strategy['reads']): number =>
      choices.reduce((sum, { quorum, probability }) => sum + (quorum.includes(node) ? probability : 0), 0)
    const { read, write } = capacities[node] as Capacity
    return (readFraction * asked(reads)) / read + ((1 - readFraction) * asked(writes)) / write
  })
}

test('strategy: probabilities over quorums sum to 1 and bring about the figures', () => {
  holds(
    fc.property(anySetting, fc.constantFrom('load', 'network', 'latency'), (setting, objective) => {
      const { system, latencies, readFraction } = setting
      const found = system.strategy({ ...setting, objective })
      for (const [choices, expression] of [
        [found.reads, system.reads],
        [found.writes, system.writes],
      ] as const) {
        expect(choices.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9)
        for (const { quorum, probability } of choices) {
          expect(probability).toBeGreaterThan(0)
          expect(meetsAt(expression, maskOf(quorum))).toBe(true)
        }
      }
      const loads = nodeLoads(setting, found)
      expect(found.load).toBeCloseTo(Math.max(...loads), 9)
      expect(found.capacity).toBeCloseTo(1 / found.load, 6)
      for (const [index, node] of system.nodes.entries()) {
        expect(found.nodeLoads[node]).toBeCloseTo(loads[index] as number, 9)
      }
      const mean = (value: (quorum: readonly string[]) => number): number => {
        const over = (choices: Strategy['reads']): number =>
          choices.reduce((sum, { quorum, probability }) => sum + probability * value(quorum), 0)
        return readFraction * over(found.reads) + (1 - readFraction) * over(found.writes)
      }
      expect(found.networkLoad).toBeCloseTo(
        mean(({ length }) => length),
        9,
      )
      expect(found.latencyMs).toBeCloseTo(
        mean((quorum) => Math.max(...quorum.map((node) => latencies[node] ?? 0))),
        9,
      )
    }),
    { numRuns: 200 },
  )
})

test('strategy: nothing is better for network and latency than the best quorum of each side', () => {
  holds(
    fc.property(anySetting, (setting) => {
      const { system, latencies, readFraction } = setting
      const best = (value: (quorum: readonly string[]) => number): number => {
        const of = (quorums: string[][]): number => Math.min(...quorums.map(value))
        return readFraction * of(system.readQuorums()) + (1 - readFraction) * of(system.writeQuorums())
      }
      const latency = best((quorum) => Math.max(...quorum.map((node) => latencies[node] ?? 0)))
      expect(system.latency({ ...setting, objective: 'latency' })).toBeCloseTo(latency, 6)
      expect(system.networkLoad({ ...setting, objective: 'network' })).toBeCloseTo(
        best(({ length }) => length),
        6,
      )
    }),
  )
})

test('load: between what prices on the nodes prove and what simple strategies reach', () => {
  holds(
    // Where some nodes are much faster than others, the prices take too long to find their place.
    fc.property(settings(fc.integer({ min: 1, max: 4 })), (setting) => {
      const { system } = setting
      const load = system.load(setting)
      const evenly = (quorums: string[][]): Strategy['reads'] =>
        quorums.map((quorum) => ({ quorum, probability: 1 / quorums.length }))
      const uniform = nodeLoads(setting, { reads: evenly(system.readQuorums()), writes: evenly(system.writeQuorums()) })
      expect(load).toBeLessThanOrEqual(Math.max(...uniform) + 1e-7)
      const proved = provedLoad(setting)
      expect(load).toBeGreaterThanOrEqual(proved - 1e-7)
      expect(load).toBeLessThanOrEqual(proved * 1.1 + 1e-7)
    }),
    { numRuns: 60 },
  )
})

/**
 * Whatever prices sum to 1, every strategy pays at least the cheapest quorums, and its busiest node no less than that.
 * Prices rise where the cheapest quorums go (multiplicative weights), which proves nearly the best load.
 */
function provedLoad({ system, readFraction, capacities }: Setting): number {
  const fullReads = system.nodes.map((node) => readFraction / (capacities[node] as Capacity).read)
  const fullWrites = system.nodes.map((node) => (1 - readFraction) / (capacities[node] as Capacity).write)
  const most = Math.max(...fullReads.map((full, node) => full + (fullWrites[node] as number)))
  const positions = (quorums: string[][]): number[][] =>
    quorums.map((quorum) => quorum.map((n) => system.nodes.indexOf(n)))
  const [reads, writes] = [positions(system.readQuorums()), positions(system.writeQuorums())]
  let weights = system.nodes.map(() => 1)
  let proved = 0
  for (let round = 0; round < 1500; round++) {
    const sum = weights.reduce((total, weight) => total + weight, 0)
    const prices = weights.map((weight) => weight / sum)
    const paid = prices.map(() => 0)
    let cost = 0
    for (const [quorums, full] of [
      [reads, fullReads],
      [writes, fullWrites],
    ] as const) {
      const costOf = (quorum: number[]): number =>
        quorum.reduce((total, n) => total + (prices[n] as number) * (full[n] as number), 0)
      const cheapest = quorums.reduce((best, quorum) => (costOf(quorum) < costOf(best) ? quorum : best))
      cost += costOf(cheapest)
      for (const n of cheapest) paid[n] = (paid[n] as number) + (full[n] as number)
    }
    proved = Math.max(proved, cost)
    weights = prices.map((price, n) => price * Math.exp((0.06 * (paid[n] as number)) / most))
  }
  return proved
}
