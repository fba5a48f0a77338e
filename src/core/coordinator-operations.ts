/**
 * Makes of each call the operation that it asks for, and gives writes their identities and stamps.
 *
 * Ring: machines.
 */
import { authorText } from './author.ts'
import { invalid, QuorateError } from './base/errors.ts'
import type { Random } from './base/random.ts'
import { CLOCK_ACTOR, EMPTY_CONTEXT, seenUpTo, type CausalContext } from './causality/causal-context.ts'
import { HybridClock, stampOf, wallOf } from './causality/hybrid-time.ts'
import type { Call, ChangeCall, LookCall, PutCall } from './coordinator-calls.ts'
import { Get } from './operation/get.ts'
import { chooseHome } from './operation/home.ts'
import type { Keyspace } from './operation/keyspace.ts'
import { LedOperation } from './operation/led-operation.ts'
import { Open } from './operation/open.ts'
import type { OperationId } from './operation/operation-name.ts'
import type { Operation } from './operation/operation.ts'
import type { Peers } from './operation/peers.ts'
import { Put } from './operation/put.ts'
import type { RegisterOperation } from './operation/register-operation.ts'
import { RegisterRead } from './operation/register-read.ts'
import { RegisterWrite } from './operation/register-write.ts'
import { Scan } from './operation/scan.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import type { PreferenceList } from './placement/placement.ts'
import type { Now } from './step.ts'

export interface OperationsConfig {
  /** By which writes tell who made them. */
  readonly name: string
  readonly membership: Membership
  readonly options: ResolvedCore
  readonly random: Random
  readonly peers: Peers
}

export class Operations {
  readonly #config: OperationsConfig
  readonly #clock = new HybridClock()
  readonly #everybody: PreferenceList

  constructor(config: OperationsConfig) {
    this.#config = config
    const { members } = config.membership
    this.#everybody = {
      partition: -1,
      replicas: members.map((_, index) => index),
      zones: members.map(({ zone }) => zone),
      fallbacks: [],
    }
  }

  /**
   * The identity of a write to this key that is yet to be made, to be given to the put and to each retry of it. Throws
   * `QUORATE_UNAVAILABLE` when no replica of the key can be reached to be its home.
   */
  identityFor(keyspace: Keyspace, key: string, now: Now): OperationId {
    const list = keyspace.listOf(key)
    const id = { op: this.#config.random.identity(), at: this.#clock.next(now.wallMs) }
    if (keyspace.definition.conflicts !== 'siblings') return { ...id, home: 0 }
    const view = this.#config.peers.view(list, now.monoMs)
    const life = view.lives[list.replicas[chooseHome(list, view)] ?? -1]
    if (life !== undefined) return { ...id, home: life.incarnation }
    const message = `${keyspace.name}: no replica of the key can be reached; nothing was sent`
    throw new QuorateError('QUORATE_UNAVAILABLE', message, { retry: 'safe' })
  }

  /** Throws what the call's arguments are refused with. */
  begunBy(call: Call, now: Now): Operation {
    const nowMs = now.monoMs
    switch (call.kind) {
      case 'get': {
        const { keyspace, atLeast } = call
        const list = keyspace.listOf(call.key)
        const read = keyspace.readChoice(list, call.level)
        const repair = call.repair ?? keyspace.repairFor(read)
        const preferred = call.level === undefined ? keyspace.drawRead(list, this.#config.random) : 0
        const times = { nowMs, timeoutMs: call.timeoutMs ?? keyspace.timeoutMs }
        return new Get({ keyspace, key: call.key, list, read, repair, preferred, atLeast, times })
      }
      case 'put':
        return this.#put(call, now)
      case 'look':
      case 'change':
        return this.#register(call, now)
      case 'scan': {
        const { keyspace, level, prefix, after, limit } = call
        const times = { nowMs, timeoutMs: call.timeoutMs ?? keyspace.timeoutMs }
        return new Scan({ keyspace, list: this.#everybody, level, prefix, after, limit, times })
      }
      case 'open': {
        const { name, definition } = call
        const times = { nowMs, timeoutMs: call.timeoutMs ?? this.#config.options.timeoutMs }
        return new Open({ name, definition, list: this.#everybody, times })
      }
    }
  }

  #put(call: PutCall, now: Now): Put {
    const { keyspace, key, value, context: seen = EMPTY_CONTEXT } = call
    const list = keyspace.listOf(key)
    const write = keyspace.writeChoice(list, call.level)
    this.#orderAfter(seen, now)
    const { operation } = call
    if (operation?.home === 0 && keyspace.definition.conflicts === 'siblings') {
      throw invalid(`this operation is not one of ${keyspace.name}: it names no replica to mint it`)
    }
    if (operation !== undefined && keyspace.definition.conflicts === 'lww') this.#checkAge(operation.at, now)
    const op = operation?.op ?? this.#config.random.identity()
    const at = operation?.at ?? this.#clock.next(now.wallMs)
    const expires = expiryOf(call, at)
    const times = { nowMs: now.monoMs, timeoutMs: call.timeoutMs ?? keyspace.timeoutMs }
    const reach = keyspace.isSloppy ? keyspace.reachOf(list) : undefined
    const by = authorText({ coordinator: this.#config.name, session: call.session })
    const home = operation?.home
    // Named one by one: to spread a part of it would take as long as all the rest.
    return new Put({ keyspace, key, list, reach, write, op, at, by, value, expires, home, seen, times })
  }

  /** A write that was first tried before the horizon may have been deleted since, and that erased. */
  #checkAge(at: number, now: Now): void {
    const { horizonMs } = this.#config.options
    if (horizonMs === 0 || at >= stampOf(now.wallMs - horizonMs)) return
    const message = 'the first attempt was made before the horizon: nothing was sent; read the key, and write anew'
    throw new QuorateError('QUORATE_LIMIT', message, { outcome: 'unknown' })
  }

  #register(call: LookCall | ChangeCall, now: Now): RegisterOperation {
    const { keyspace, key } = call
    const { random } = this.#config
    const times = { nowMs: now.monoMs, timeoutMs: call.timeoutMs ?? keyspace.timeoutMs }
    const list = keyspace.listOf(key)
    if (call.kind === 'look') {
      const { stale: isStale } = call
      if (keyspace.isLed && !isStale) return new LedOperation({ keyspace, key, list, times, ...LOOK })
      return new RegisterRead({ keyspace, key, list, times, isStale, patience: random.fraction() })
    }
    const { change, operation, token } = call
    if (keyspace.definition.requireFence === true && change.kind !== 'fence' && token === undefined) {
      throw invalid(`${keyspace.name} takes no change without a fencing token: give one as fence`)
    }
    const op = operation?.op ?? random.identity()
    const at = operation?.at ?? this.#clock.next(now.wallMs)
    const isRetry = operation !== undefined
    const plan = { keyspace, key, list, times, change, op, at, token, isRetry, isOwn: false }
    return keyspace.isLed ? new LedOperation(plan) : new RegisterWrite(plan)
  }

  /** A write that follows from a context must get a later stamp than it, or be refused: else it would lose to what it read. */
  #orderAfter(seen: CausalContext, now: Now): void {
    const stamp = seenUpTo(seen, CLOCK_ACTOR)
    this.observe(stamp, now)
    if (stamp <= stampOf(now.wallMs + this.#config.options.driftMsMax)) return
    const message =
      'the context was written by a clock that is ahead of this one by more than driftMsMax, so nothing can be ' +
      'written after it yet; nothing was sent: set the clocks right'
    throw new QuorateError('QUORATE_LIMIT', message)
  }

  /** A stamp that somebody else made: ours come after it, unless it lies beyond what replicas would accept. */
  observe(stamp: number, now: Now): void {
    if (stamp <= stampOf(now.wallMs + this.#config.options.driftMsMax)) this.#clock.observe(stamp)
  }
}

const LOOK = { change: { kind: 'look' }, op: 0, at: 0, isRetry: false, isOwn: false } as const

/** When a value ends whose write has this stamp: the same for each retry. Nothing for one that stays, and for a delete. */
function expiryOf({ value, ttlMs, keyspace }: PutCall, at: number): number | undefined {
  const lastsMs = ttlMs ?? keyspace.ttlMs ?? Infinity
  return value === null || lastsMs === Infinity ? undefined : wallOf(at) + Math.ceil(lastsMs)
}
