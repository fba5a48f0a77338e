/**
 * What the store promises in a run, given its options and its faults: what judges may hold it to, and nothing more.
 */
import type { Random } from '../core/base/random.ts'
import { Keyspace, type Choice } from '../core/operation/keyspace.ts'
import type { Receipt } from '../core/operation/receipt.ts'
import type { Level } from '../core/quorum/level.ts'
import { majorityOf } from '../core/quorum/quorum.ts'
import type { Breakage } from './breakage.ts'
import type { ClusterPlan } from './cluster-plan.ts'
import { shuffled } from './cut-shapes.ts'

export interface PromiseSetting {
  readonly cluster: ClusterPlan
  readonly breakage: Breakage | undefined
  readonly keys: readonly string[]
  /** Levels that reads may ask for, besides the default. */
  readonly readLevels: readonly Level[]
}

type Side = 'read' | 'write'

export class Promises {
  /** How many disks will be lost at most. Set once that is drawn. */
  wipes = 0
  readonly #setting: PromiseSetting
  /** The keyspace as a coordinator in each zone sees it. */
  readonly #views: readonly Keyspace[]

  constructor(setting: PromiseSetting) {
    this.#setting = setting
    const { membership, keyspace, options, hosts } = setting.cluster
    const zones = new Set(hosts.map(({ zone }) => zone))
    this.#views = [...zones].map((zone) => new Keyspace(keyspace, { membership, zone, timeoutMs: options.timeoutMs }))
  }

  /**
   * Whether a call's quorum meets every other quorum that is called strict. A receipt speaks of the other side's
   * default only, so a smaller level than the default is never counted: two of them might miss each other.
   */
  readonly isStrict = (side: Side, receipt: Pick<Receipt, 'level' | 'strict'> & { sloppy?: boolean }): boolean => {
    const { level } = receipt
    const { definition } = this.#setting.cluster.keyspace
    const usual = definition[side]
    const { breakage } = this.#setting
    if (breakage === 'half-quorums' || breakage === 'disjoint-quorums') return level === usual
    const strict = receipt.strict || (breakage === 'hint-counts-strict' && receipt.sloppy === true)
    return strict && (level === usual || Number(level) >= Number(usual))
  }

  /** Whether reads that count as strict are monotonic: all of them wait until the value is on a write quorum. */
  get monotonic(): boolean {
    if (this.#setting.breakage === 'no-repair') return true
    const { keys, readLevels } = this.#setting
    return this.#views.every((view) =>
      keys.every((key) =>
        [undefined, 'all' as const, ...readLevels].every((level) => {
          const choice: Choice = view.readChoice(view.listOf(key), level)
          return !this.isStrict('read', choice) || view.repairFor(choice) === 'blocking'
        }),
      ),
    )
  }

  /**
   * Whether scans count as strict. They see every acknowledged write and repair nothing, so they do not belong among
   * strict reads that are judged to be monotonic.
   */
  get scansAreStrict(): boolean {
    const view = this.#views[0] as Keyspace
    const [key] = this.#setting.keys
    return !this.monotonic && this.isStrict('read', view.readChoice(view.listOf(key ?? ''), undefined))
  }

  /** The replicas that hold a key. */
  holdersOf(key: string): readonly number[] {
    return (this.#views[0] as Keyspace).listOf(key).replicas
  }

  /** A majority of the members that holds a read and a write quorum of every key: it can work by itself. */
  drawCore(random: Random): number[] {
    const members = this.#setting.cluster.membership.members.length
    const order = shuffled(random, members)
    let size = majorityOf(members)
    while (size < members && !this.#works(order.slice(0, size))) size++
    return order.slice(0, size).toSorted((a, b) => a - b)
  }

  #works(core: readonly number[]): boolean {
    return this.#views.every((view) =>
      this.#setting.keys.every((key) => {
        const list = view.listOf(key)
        let mask = 0
        for (const [position, replica] of list.replicas.entries()) if (core.includes(replica)) mask |= 1 << position
        return view.readChoice(list, undefined).quorum.met(mask) && view.writeChoice(list, undefined).quorum.met(mask)
      }),
    )
  }
}
