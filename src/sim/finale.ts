/**
 * The end of a run: everything heals, what is under way finishes, the store shows that it works, and every replica's
 * records are read.
 *
 * In a run with permanent faults the replicas outside the core are left as they are, and only the core has to work.
 */
import type { Random } from '../core/base/random.ts'
import { ABSENT, digestOf } from '../core/causality/merge.ts'
import { isDead } from '../core/causality/tombstone.ts'
import { definitionFingerprint } from '../core/keyspace-definition.ts'
import type { Level } from '../core/quorum/level.ts'
import type { StoredRecord } from '../core/record.ts'
import { Caller, type CallerSurroundings, type Manner } from './caller.ts'
import type { Seen } from './history.ts'
import { RegisterCaller, type Held } from './register-caller.ts'
import type { Host } from './host.ts'
import type { Nemesis } from './nemesis.ts'
import type { Promises } from './promises.ts'

export interface FinaleParts {
  readonly around: CallerSurroundings
  readonly random: Random
  readonly hosts: readonly Host[]
  readonly clients: readonly { readonly isBusy: boolean }[]
  readonly nemesis: Nemesis
  readonly promises: Promises
  /** Replicas that must work. */
  readonly core: readonly number[]
  /** So long after healing replicas have to be equal without a read; 0 where they need not be. */
  readonly unreadMs: number
  /** Whether deleted records are erased meanwhile, here sooner than there. */
  readonly reaps: boolean
  readonly processes: () => number
}

/** Longer than any call, and than anything that the network or a disk can hold back. */
const SETTLE_MS = 12_000
const CALL_MS = 2000
/** One late message holds up all that follow it on a link that keeps the order, for as long as the longest delay. */
const TRIES = 10
/** With a leader the renewals of its lease have to get through as well, again and again, and this network may lose a quarter. */
const TRIES_LED = 40
const PAUSE_MS = 1000
const SLICE_MS = 500
/** Some exchanges with questions that are asked again. */
const CATCH_UP_MS_MAX = 30_000
/** Some rounds of handing over, each with a slow moment of its own. */
const HANDOFF_MS_MAX = 90_000
/** A repair that a slow moment holds up for too long is refused, and left to the next read. */
const REPAIR_ROUNDS = 3
/** Longer than the longest delay and flush of a healthy run. */
const QUIET_MS = 7000
/** What an exchange may take over a slow network, one round trip after another. */
const EXCHANGE_MS = 8000

interface Failure {
  readonly what: string
  readonly host: Host
  readonly why: string
  readonly triesLeft: number
}

export class Finale {
  /** What a healed store failed to do. */
  readonly problems: string[] = []
  readonly #parts: FinaleParts
  #underWay = 0

  constructor(parts: FinaleParts) {
    this.#parts = parts
  }

  play(): void {
    const { around, nemesis, hosts, core } = this.#parts
    nemesis.heal()
    around.simulator.runFor(SETTLE_MS)
    const working = hosts.filter(({ config }) => config.disk === undefined || core.includes(config.index))
    for (const host of working) this.#checkSettled(host)
    for (const [process, client] of this.#parts.clients.entries()) {
      if (client.isBusy) this.problems.push(`process ${process} never finished its last operation`)
    }
    const isWhole = hosts.every(({ config }) => config.disk === undefined || core.includes(config.index))
    if (isWhole && this.#parts.unreadMs > 0) this.#compareUnread()
    for (const host of working) this.#exercise(host)
    this.#work()
    this.#catchUp(working)
    if (!isWhole) return
    this.#handOver(working)
    this.#finish(working)
  }

  /** Lets time pass until every replica has what it lost: it may wait for answers that went astray before the end. */
  #catchUp(working: readonly Host[]): void {
    const { simulator } = this.#parts.around
    const endUs = simulator.nowUs + CATCH_UP_MS_MAX * 1000
    while (working.some(({ isLost }) => isLost) && simulator.nowUs < endUs) simulator.runFor(SLICE_MS)
    for (const { config, isLost } of working) {
      if (isLost) this.problems.push(`${config.name} has not caught up after healing`)
    }
  }

  /** Lets time pass until nobody keeps anything for another replica any more. */
  #handOver(working: readonly Host[]): void {
    const { simulator } = this.#parts.around
    const endUs = simulator.nowUs + HANDOFF_MS_MAX * 1000
    const kept = (): readonly string[] =>
      working.flatMap(({ config }) => (config.disk?.hints() ?? []).map((hint) => `${config.name} for ${hint}`))
    while (kept().length > 0 && simulator.nowUs < endUs) simulator.runFor(SLICE_MS)
    for (const hint of kept()) this.problems.push(`after healing, a hint was not handed over: ${hint}`)
  }

  /** Nobody reads; the replicas see to it themselves. An exchange may be under way when its time is up. */
  #compareUnread(): void {
    const { around, promises, unreadMs } = this.#parts
    around.simulator.runFor(Math.max(0, unreadMs - SETTLE_MS) + EXCHANGE_MS)
    for (const key of around.keys) {
      if (this.#digests(key, promises.holdersOf(key)).size > 1) {
        this.problems.push(`the replicas of ${key} differ after two periods of exchanges without a read`)
      }
    }
  }

  #digests(key: string, holders: readonly number[]): Set<number> {
    const { hosts, reaps } = this.#parts
    return new Set(
      holders.map((index) => {
        const { config } = hosts[index] as Host
        const record = config.disk?.read(definitionFingerprint(config.keyspace.definition), key)
        return reaps && record !== undefined && mayBeErased(record) ? ABSENT : digestOf(record)
      }),
    )
  }

  /** Lets time pass until every call that was begun has ended. */
  #work(): void {
    const { simulator } = this.#parts.around
    const endUs = simulator.nowUs + this.#workMsMax * 1000
    while (this.#underWay > 0 && simulator.nowUs < endUs) simulator.runFor(SLICE_MS)
    if (this.#underWay > 0) this.problems.push(`after healing, ${this.#underWay} calls never ended`)
  }

  #checkSettled(host: Host): void {
    const { name } = host.config
    if (!host.isReady) this.problems.push(`${name} could not open the keyspace after healing`)
    if (host.callsInFlight > 0) this.problems.push(`${name} has ${host.callsInFlight} calls that never ended`)
  }

  /** The same of a register. Others write as well, so a compare may fail: then it is read again. */
  #exerciseRegister(host: Host): void {
    this.#underWay++
    const { around, random, processes } = this.#parts
    const caller = new RegisterCaller(processes(), processes, around)
    const key = random.pick(around.keys)
    const how = this.#manner(host, undefined)
    const read = (then: (held: Held) => void, triesLeft: number): void => {
      caller.read(how, key, ({ held, why }) => {
        if (held !== undefined) around.simulator.after(1, () => then(held))
        else this.#again({ what: `a read of ${key}`, host, why, triesLeft }, (left) => read(then, left))
      })
    }
    const change = (expected: Held, triesLeft: number): void => {
      const value = `last${host.config.index}.${triesLeft}`
      caller.change({ how, key, value, expected, operation: undefined }, ({ kind, why }) => {
        if (kind === 'ok') around.simulator.after(1, () => read(() => this.#underWay--, this.#tries))
        else
          this.#again({ what: `a compare-and-set of ${key}`, host, why, triesLeft }, (left) => {
            read((held) => change(held, left), this.#tries)
          })
      })
    }
    read((held) => change(held, this.#tries), this.#tries)
  }

  /** A read, a write with what was read, and a read, of a key that the run was about. */
  #exercise(host: Host): void {
    if (!host.isReady) return
    if (this.#isCp) return this.#exerciseRegister(host)
    this.#underWay++
    const { around, random, processes } = this.#parts
    const caller = new Caller(processes(), around)
    const key = random.pick(around.keys)
    const get = (then: (seen: Seen) => void, triesLeft: number): void => {
      caller.get(
        { how: this.#manner(host, undefined), key, repair: undefined, atLeast: undefined },
        ({ seen, why }) => {
          if (seen !== undefined) around.simulator.after(1, () => then(seen))
          else this.#again({ what: `a read of ${key}`, host, why, triesLeft }, (left) => get(then, left))
        },
      )
    }
    // Others write as well: a write that found the key full has to read it again.
    const put = (seen: Seen, triesLeft: number): void => {
      const value = `last${host.config.index}.${triesLeft}`
      const what = { key, value, isDelete: false, follows: seen, operation: undefined }
      caller.put({ how: this.#manner(host, undefined), ...what }, ({ kind, why }) => {
        if (kind === 'ok') around.simulator.after(1, () => get(() => this.#underWay--, this.#tries))
        else
          this.#again({ what: `a write of ${key}`, host, why, triesLeft }, (left) => {
            get((latest) => put(latest, left), this.#tries)
          })
      })
    }
    get((seen) => put(seen, this.#tries), this.#tries)
  }

  /** Reads every key at level all, and then what every replica holds. */
  #finish(working: readonly Host[]): void {
    const { around, random, promises } = this.#parts
    const hosts = working.filter((host) => host.isReady)
    if (hosts.length === 0) return
    let keys: readonly string[] = around.keys
    for (let round = 0; round < REPAIR_ROUNDS && keys.length > 0; round++) {
      for (const key of keys) {
        this.#underWay++
        this.#readAll(key, random.pick(hosts), this.#tries)
      }
      this.#work()
      if (this.#isCp) return
      around.simulator.runFor(QUIET_MS)
      keys = keys.filter((key) => this.#digests(key, promises.holdersOf(key)).size > 1)
    }
    for (const key of around.keys) this.#final(key, promises.holdersOf(key))
  }

  #readAll(key: string, host: Host, triesLeft: number): void {
    const { around, processes } = this.#parts
    if (this.#isCp) {
      new RegisterCaller(processes(), processes, around).read(this.#manner(host, undefined), key, ({ held, why }) => {
        if (held !== undefined) this.#underWay--
        else
          this.#again({ what: `a last read of ${key}`, host, why, triesLeft }, (left) => this.#readAll(key, host, left))
      })
      return
    }
    const how = this.#manner(host, 'all')
    new Caller(processes(), around).get({ how, key, repair: 'blocking', atLeast: undefined }, ({ seen, why }) => {
      if (seen !== undefined) this.#underWay--
      else
        this.#again({ what: `a read of ${key} at level all`, host, why, triesLeft }, (left) =>
          this.#readAll(key, host, left),
        )
    })
  }

  /** A healed network still has slow moments in which a call may fail; not many in a row. */
  #again(failure: Failure, retry: (triesLeft: number) => void): void {
    const { what, host, why, triesLeft } = failure
    if (triesLeft > 1) {
      this.#parts.around.simulator.after(PAUSE_MS, () => retry(triesLeft - 1))
      return
    }
    this.#underWay--
    this.problems.push(`after healing, ${what} through ${host.config.name} failed: ${why}`)
  }

  #final(key: string, holders: readonly number[]): void {
    const { around, hosts } = this.#parts
    for (const index of holders) {
      const { config } = hosts[index] as Host
      const record = config.disk?.read(definitionFingerprint(config.keyspace.definition), key)
      around.recorder.final({ replica: config.name, key, value: around.texts.valuesOf(record) })
    }
    if (this.#digests(key, holders).size > 1)
      this.problems.push(`the replicas of ${key} differ in causal state after a read at level all`)
  }

  get #tries(): number {
    return this.#parts.hosts[0]?.config.keyspace.definition.leader === true ? TRIES_LED : TRIES
  }

  /** By then everything has succeeded or failed for good. */
  get #workMsMax(): number {
    return 4 * this.#tries * (CALL_MS + PAUSE_MS)
  }

  get #isCp(): boolean {
    return this.#parts.hosts[0]?.config.keyspace.definition.mode === 'cp'
  }

  #manner(host: Host, level: Level | undefined): Manner {
    return { host, session: undefined, level, timeoutMs: CALL_MS, giveUpMs: 2 * CALL_MS }
  }
}

/** Whether it is erased somewhere or will be; a register as soon as whatever it has promised is over. */
function mayBeErased(record: StoredRecord): boolean {
  return record.kind === 'register' ? record.state.value === null : isDead(record, 0)
}
