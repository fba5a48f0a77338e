/**
 * What an application holds of a group: a seat from which this process may lead it, and a place to look on from.
 */
import { EventEmitter } from 'node:events'
import { invalid, QuorateError } from '../core/base/errors.ts'
import { checkObject, shown } from '../core/base/shape.ts'
import type { LostReason, SeatEvent } from '../core/consensus/candidate.ts'
import { groupName, type GroupKind, type Leader } from '../core/consensus/group.ts'
import type { LeaderChange } from '../core/consensus/observer.ts'
import type { Seat as CoreSeat, Watch } from '../core/coordinator-seats.ts'
import { checkFields, checkName, checkTimeout, type ResolvedCore } from '../core/options.ts'
import type { Engine, Ticket } from './engine.ts'

export interface CampaignOptions {
  /**
   * How long this process may lead without hearing from a quorum. Three heartbeats by default, 50 ms to `leaseMsMax`.
   *
   * Longer leases ride out pauses; shorter ones let another take over sooner. The leader counts from the moment at which
   * it *sent* the renewal, and gives up `clockDriftMax` of the lease early, so a slow clock here cannot overlap a fast one
   * there.
   */
  readonly leaseMs?: number
  /**
   * Makes sure that who led before cannot do anything any more (STONITH: cut its power, revoke its key). None by
   * default: then replicas and gates keep it out by its lower generation alone. This process leads only after it
   * resolved. If it rejects or takes longer than `fenceMs`, the seat tells `failed`, is given up, and stands again.
   */
  readonly onFence?: (old: Leader) => unknown
  /** How long `onFence` may take: 30,000 ms by default, 1 ms to an hour. */
  readonly fenceMs?: number
  /** Closes the seat. */
  readonly signal?: AbortSignal
}

export interface Elected {
  /** Higher than that of every leader before: the fencing token. */
  readonly generation: number
  /** Aborts before another can lead. Its reason is a `QUORATE_NOT_LEADER`. */
  readonly signal: AbortSignal
}

export interface Lost {
  readonly generation: number
  readonly reason: LostReason
}

export interface SeatEvents {
  /** This process leads from now on, for as long as `isLeader` says so. */
  elected: [Elected]
  /** It does not any more. The seat stands again by itself until it is closed. */
  lost: [Lost]
  /** Another leads, or nobody is known to. */
  leader: [LeaderChange]
  /** `onFence` did not succeed. */
  failed: [QuorateError]
}

export interface SeatSetting {
  readonly engine: Engine
  readonly limits: ResolvedCore
  /** Of this process. */
  readonly id: string
}

const FENCE_MS = 30_000
const LEASE_MS_MIN = 50
const FIELDS = ['leaseMs', 'onFence', 'fenceMs', 'signal']

export class Seat extends EventEmitter<SeatEvents> {
  /** The group's name, as it was given. */
  readonly group: string
  readonly #setting: SeatSetting
  readonly #options: CampaignOptions
  readonly #seat: CoreSeat
  #term: AbortController | undefined
  #isClosed = false

  /** Use `campaign`. */
  constructor(setting: SeatSetting, kind: GroupKind, name: string, options: CampaignOptions) {
    super()
    const { engine, limits, id: holder } = setting
    this.group = checkName(name)
    this.#setting = setting
    this.#options = checkCampaign(options, limits)
    const { onFence, leaseMs = 3 * limits.heartbeatMs, signal } = options
    const plan = { tag: this.#ticket, group: groupName(kind, name), holder, fences: onFence !== undefined }
    if (signal?.aborted) throw new QuorateError('QUORATE_ABORTED', 'the signal was aborted before the call')
    const lease = { leaseMs: Math.min(leaseMs, limits.leaseMsMax) }
    this.#seat = engine.seats((seats, now, step) => seats.open({ ...plan, ...lease }, now, step))
    signal?.addEventListener('abort', this.#abort, { once: true })
  }

  /** Whether this process leads, by the clock now. While it does, nobody else does. */
  get isLeader(): boolean {
    return this.#seat.candidate.leads(performance.now())
  }

  /** The generation in which this process leads; nothing while it does not. */
  get generation(): number | undefined {
    return this.isLeader ? this.#seat.candidate.generation : undefined
  }

  /** Who leads, as far as is known here: what others did may have come to an end since. */
  get leader(): Leader | undefined {
    return this.#seat.candidate.leader(performance.now())
  }

  /** How long this process leads if no renewal gets through any more; 0 if it does not. */
  get leaseLeftMs(): number {
    return this.#seat.candidate.leftMs(performance.now())
  }

  /** Why an elector refused last, if one did: something is amiss that waiting does not mend. */
  get refusal(): string | undefined {
    return this.#seat.refusal
  }

  /** Gives the lead up, so that another can take it at once. This seat stands again after a lease. */
  resign(): void {
    if (this.#isClosed) return
    this.#setting.engine.seats((seats, now, step) => seats.resign(this.#seat, now, step))
  }

  /** Gives the lead up and stands no more. Closing twice is fine. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.signal?.removeEventListener('abort', this.#abort)
    try {
      this.#setting.engine.seats((seats, now, step) => seats.close(this.#seat, now, step))
    } catch (error) {
      // With the store, all its seats were closed.
      if (!(error instanceof QuorateError) || error.code !== 'QUORATE_CLOSED') throw error
    }
  }

  [Symbol.dispose](): void {
    this.close()
  }

  readonly #abort = (): void => this.close()

  readonly #ticket: Ticket = { done: (result) => this.#happened(result as SeatEvent | LeaderChange) }

  #happened(event: SeatEvent | LeaderChange): void {
    switch (event.kind) {
      case 'fence':
        void this.#fence(event.generation, event.before)
        return
      case 'elected': {
        const { generation } = event
        this.#term = new AbortController()
        const { signal } = this.#term
        return this.#tell(() => this.emit('elected', { generation, signal }))
      }
      case 'lost': {
        const { generation, reason } = event
        this.#term?.abort(notLeader(this.group, reason))
        this.#term = undefined
        return this.#tell(() => this.emit('lost', { generation, reason }))
      }
      case 'leader':
        return this.#tell(() => this.emit('leader', event))
    }
  }

  async #fence(generation: number, before: Leader): Promise<void> {
    const { onFence, fenceMs = FENCE_MS } = this.#options
    let timer: NodeJS.Timeout | undefined
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`it took longer than ${fenceMs} ms`)), fenceMs)
      })
      await Promise.race([onFence?.(before), late])
    } catch (cause) {
      this.#fenceFailed(generation, before, cause)
      return
    } finally {
      clearTimeout(timer)
    }
    if (!this.#isClosed) this.#seats('fenced', generation)
  }

  #fenceFailed(generation: number, before: Leader, cause: unknown): void {
    if (this.#isClosed) return
    this.#seats('resign', generation)
    const why = cause instanceof Error ? cause.message : shown(cause)
    const message = `${this.group}: ${before.id}, which led before, could not be fenced: ${why}`
    const error = new QuorateError('QUORATE_FENCED', message, { retry: 'safe', cause })
    this.#tell(() => this.emit('failed', error))
  }

  /** A fence that took long speaks of a generation that may be over. */
  #seats(what: 'fenced' | 'resign', generation: number): void {
    const { candidate } = this.#seat
    if (candidate.role !== 'elect' || candidate.generation !== generation) return
    this.#setting.engine.seats((seats, now, step) => {
      if (what === 'fenced') seats.fenced(this.#seat, generation, now, step)
      else seats.resign(this.#seat, now, step)
    })
  }

  /** Outside of the machines' turn: a listener that throws must not stop them half-way. */
  #tell(emit: () => void): void {
    queueMicrotask(emit)
  }
}

/** Looks on at a group. */
export class GroupObserver extends EventEmitter<{ leader: [LeaderChange] }> {
  readonly group: string
  readonly #engine: Engine
  readonly #watch: Watch
  #isClosed = false

  /** Use `observe`. */
  constructor({ engine }: SeatSetting, name: string) {
    super()
    this.group = checkName(name)
    this.#engine = engine
    const tag: Ticket = { done: (change) => queueMicrotask(() => this.emit('leader', change as LeaderChange)) }
    this.#watch = engine.seats((seats, now, step) => seats.watch({ tag, group: groupName('group', name) }, now, step))
  }

  /** Who leads, as far as is known here. */
  get leader(): Leader | undefined {
    return this.#watch.observer.leader(performance.now())
  }

  /** Looks no more. Closing twice is fine. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      this.#engine.seats((seats, now, step) => seats.close(this.#watch, now, step))
    } catch (error) {
      if (!(error instanceof QuorateError) || error.code !== 'QUORATE_CLOSED') throw error
    }
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function notLeader(group: string, reason: LostReason): QuorateError {
  const message = `${group}: this process does not lead any more (${reason})`
  return new QuorateError('QUORATE_NOT_LEADER', message)
}

function checkCampaign(options: CampaignOptions, limits: ResolvedCore): CampaignOptions {
  checkObject(options, 'the argument with the options of a campaign')
  checkFields(options, FIELDS, 'a campaign')
  const { leaseMs, onFence, fenceMs, signal } = options
  checkLease(leaseMs, limits)
  if (onFence !== undefined && typeof onFence !== 'function') {
    throw invalid(`onFence is ${shown(onFence)}: give a function`)
  }
  if (fenceMs !== undefined) checkTimeout(fenceMs)
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid(`signal is ${shown(signal)}`)
  return options
}

export function checkLease(leaseMs: unknown, { leaseMsMax }: Pick<ResolvedCore, 'leaseMsMax'>): void {
  if (leaseMs === undefined) return
  if (typeof leaseMs === 'number' && leaseMs >= LEASE_MS_MIN && leaseMs <= leaseMsMax) return
  throw invalid(`leaseMs is ${shown(leaseMs)}: use ${LEASE_MS_MIN} to ${leaseMsMax} milliseconds`)
}
