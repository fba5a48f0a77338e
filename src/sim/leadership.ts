/**
 * The part of a run that is about leaders and locks: seats all over the cluster, people who ask whoever leads, resources
 * that are guarded by tokens, and a look at the electors' disks.
 */
import type { Random } from '../core/base/random.ts'
import { electorCount, Electors, groupName, groupOfKey } from '../core/consensus/group.ts'
import { ruleOnToken } from '../core/consensus/fence.ts'
import { majorityOf } from '../core/quorum/quorum.ts'
import type { Membership } from '../core/placement/membership.ts'
import type { Recorder } from './history.ts'
import type { Host } from './host.ts'
import type { LeadershipPlan } from './leadership-plan.ts'
import type { NemesisPlan } from './faults.ts'
import { GroupActor, LockActor, type Guard, type SeatActor, type SharedCount } from './seat-actor.ts'
import type { Simulator } from './simulator.ts'

export interface LeadershipParts {
  readonly simulator: Simulator
  readonly recorder: Recorder
  readonly random: Random
  readonly hosts: readonly Host[]
  readonly membership: Membership
  readonly plan: LeadershipPlan
  /** How long people ask and work. Seats stay. */
  readonly durationMs: number
}

/** Seats are there when the network is: not all at one instant. */
const START_MS = 1500
/** One-way delays in a lease that leave room for an election on a network whose delays vary. */
const LEASE_TRIPS = 60
const CARELESS_RATE = 0.2
const RENEWALS = 8
const DISK_MS = 250

export class Leadership {
  /** What no history shows: votes that were taken back, groups that nobody leads after healing. */
  readonly problems: string[] = []
  readonly #parts: LeadershipParts
  readonly #groups: GroupActor[] = []
  readonly #locks: LockActor[] = []
  /** By replica and group: the highest generation that was seen on the disk. */
  readonly #kept = new Map<string, number>()

  constructor(parts: LeadershipParts) {
    this.#parts = parts
    const { simulator, recorder, plan, random, hosts } = parts
    const { leaseMs, workMs, holdMs } = plan
    const around = { simulator, recorder, leaseMs, workMs, holdMs }
    for (const { name, hosts: seats } of plan.groups) {
      const shared: SharedCount = { acknowledged: 0 }
      for (const seat of seats) this.#groups.push(new GroupActor(hosts[seat] as Host, name, shared, around))
    }
    const delayMs = (): number => random.fraction() * random.fraction() * 3 * leaseMs
    for (const { name, hosts: seats } of plan.locks) {
      const guard = this.#guard(name)
      for (const seat of seats)
        this.#locks.push(new LockActor(hosts[seat] as Host, name, guard, { ...around, delayMs }))
    }
    for (const actor of [...this.#groups, ...this.#locks]) actor.host.mourners.push(() => actor.crashed())
  }

  start(): void {
    const { plan } = this.#parts
    for (const actor of this.#groups) this.#keepOpen(actor)
    for (const actor of this.#locks) this.#takeTurns(actor)
    // A lease is all that speaks for their answers, so they are asked only where leases are enough.
    if (plan.exclusive) for (const { name } of plan.groups) this.#ask(name)
    for (const actor of this.#locks) this.#repeat(plan.leaseMs / RENEWALS, () => actor.renewed())
    this.#repeat(DISK_MS, () => this.#checkDisks())
  }

  /** Long after all is healed: who has to lead, does; where leases outlast what the network needs for an election. */
  checkLed({ core, conditions }: NemesisPlan): void {
    const { plan, hosts, membership } = this.#parts
    if (plan.leaseMs < LEASE_TRIPS * conditions.farMs) return
    const electors = new Electors(membership)
    const needed = majorityOf(electorCount(membership.members.length))
    for (const { name, hosts: seats } of plan.groups) {
      const votes = electors.listOf(groupName('group', name)).replicas.filter((replica) => core.includes(replica))
      const isManned = seats.some((seat) => hosts[seat]?.config.disk === undefined || core.includes(seat))
      const leads = this.#groups.filter((actor) => actor.name === name && actor.leadsNow())
      if (votes.length >= needed && isManned && leads.length !== 1) {
        this.problems.push(`after healing, ${leads.length} processes lead ${name}`)
      }
    }
  }

  #guard(lock: string): Guard {
    const { recorder, simulator } = this.#parts
    let highest: number | undefined
    const offer = (token: number): void => {
      const accepted = ruleOnToken(token, highest) === 'passes'
      if (accepted) highest = Math.max(token, highest ?? 0)
      recorder.leadership({ type: 'guarded', lock, token, accepted, time: simulator.nowUs / 1000 })
    }
    return { offer }
  }

  get #isOver(): boolean {
    return this.#parts.simulator.nowUs >= this.#parts.durationMs * 1000
  }

  /** Does something again and again until the first phase is over, at irregular times. */
  #repeat(meanMs: number, run: () => void): void {
    const { simulator, random } = this.#parts
    simulator.after(meanMs * (0.5 + random.fraction()), () => {
      if (this.#isOver) return
      run()
      this.#repeat(meanMs, run)
    })
  }

  #keepOpen(actor: SeatActor): void {
    const { simulator, random } = this.#parts
    simulator.after(random.fraction() * START_MS, () => {
      actor.open()
      this.#keepOpen(actor)
    })
  }

  /** Opens a seat when it has none, works while it holds the lock; a lock that was held is closed by its actor. */
  #takeTurns(actor: LockActor): void {
    const { plan, random } = this.#parts
    this.#repeat(plan.holdMs, () => actor.open())
    this.#repeat(plan.holdMs / 4, () => actor.work(random.chance(CARELESS_RATE)))
  }

  /** Somebody asks one of those who could lead, mostly one who does. */
  #ask(group: string): void {
    const { plan, random, simulator } = this.#parts
    const actors = this.#groups.filter(({ name }) => name === group)
    this.#repeat(plan.askMs, () => {
      const leading = actors.filter(({ generation }) => generation > 0)
      const asked = random.pick(leading.length > 0 && random.chance(0.9) ? leading : actors)
      asked.asked(random.chance(0.6) ? 'write' : 'read', simulator.nowUs / 1000)
    })
  }

  /** What an elector has promised durably it never takes back, on one disk. */
  #checkDisks(): void {
    for (const { config } of this.#parts.hosts) {
      for (const { key, record } of config.disk?.durableOwn() ?? []) {
        const group = groupOfKey(key)
        if (group === undefined || record.kind !== 'lww') continue
        const place = `${config.name} ${config.disk?.incarnation} ${config.disk?.restored} ${group}`
        const before = this.#kept.get(place) ?? 0
        if (record.at < before)
          this.problems.push(`${config.name} went back from ${before} to ${record.at} in ${group}`)
        this.#kept.set(place, Math.max(before, record.at))
      }
    }
  }
}
