/**
 * The replica's side of the host: storage before answers.
 *
 * An answer that speaks of a write, or of a record that is staged but not durable, waits for the flush that covers it;
 * all others leave at once. One flush is asked for at the end of a turn, and the storage joins those that arrive while
 * one is under way.
 */
import { QuorateError } from '../core/base/errors.ts'
import { definitionFingerprint } from '../core/keyspace-definition.ts'
import type { Acquainted, Announce, Errand, LocalMessage, Request } from '../core/message.ts'
import type { Notice } from '../core/notice.ts'
import { isOwnWalk, type Replica } from '../core/replica.ts'
import type { RefusalCode } from '../core/refusal.ts'
import type { ExchangeAnswer, Question } from '../core/repair/exchange-message.ts'
import type { ReplicaExchange } from '../core/replica-exchange.ts'
import type { Agree, Agreed, Reap } from '../core/repair/reap-message.ts'
import { Step, type Address, type LookEffect, type Now, type ScanEffect } from '../core/step.ts'
import { isElectionRequest } from './codec/election-codec.ts'
import type { Storage } from './storage/storage.ts'

export interface ReplicaHostConfig {
  readonly replica: Replica
  readonly storage: Storage
  /** Hands a message to its receiver, now. */
  readonly deliver: (to: Address, message: LocalMessage) => void
  /** Called before `deliver` when that happens outside an input: after a flush or a scan. Gives the time. */
  readonly resume: () => Now
  /** Called after such a delivery. */
  readonly settle: () => void
  readonly onNotice: (notice: Notice) => void
  readonly onFatal: (error: QuorateError) => void
}

/** Answers that may wait for the disk; beyond it requests are refused. */
const HELD_MAX = 65_536
const SCANS_MAX = 64
const SCAN_BYTES_MAX = 1_048_576

interface Held {
  readonly to: Address[]
  readonly messages: LocalMessage[]
}

const NO_NOTICES: readonly Notice[] = []

/** Named in the status; more than these are only told as they are met. */
const DAMAGED_MAX = 64

export interface DamagedRecord {
  readonly keyspace: string
  readonly key: string
}

export class ReplicaHost {
  readonly #config: ReplicaHostConfig
  readonly #step = new Step()
  #held: Held = { to: [], messages: [] }
  #heldCount = 0
  /** Records that the walk at the start could not read; the first of them. */
  readonly damaged: DamagedRecord[] = []
  #scans = 0
  /** Whether something was staged since the last commit was asked for. */
  #isStaged = false
  #failed = false
  /** When the replica wants to be ticked. */
  #wakeAtMs = Infinity

  constructor(config: ReplicaHostConfig) {
    this.#config = config
  }

  /** Answers that wait for the disk. */
  get held(): number {
    return this.#heldCount
  }

  /** When the replica wants to be ticked, told once. */
  takeWake(): number {
    const atMs = this.#wakeAtMs
    this.#wakeAtMs = Infinity
    return atMs
  }

  /** A question of another replica, `peer`; -1 for whoever is none. */
  ask(question: Question, asker: { readonly from: Address; readonly peer: number }, now: Now): void {
    if (this.#heldCount >= HELD_MAX) return
    this.exchange(asker.from, question, (exchange, step) => exchange.asked(question, asker, now, step))
  }

  /** An answer of another replica. */
  answered(answer: ExchangeAnswer, peer: number, now: Now): void {
    this.exchange(peer, undefined, (exchange, step) => exchange.answered(answer, peer, now, step))
  }

  /** A question of another replica about erasing. One for which the storage fails has no answer. */
  reap(question: Agree | Reap, asker: { readonly from: Address; readonly peer: number }, now: Now): void {
    if (this.#heldCount >= HELD_MAX) return
    this.#quietly(undefined, asker.from, (step) => this.#config.replica.reaper?.asked(question, asker, now, step))
  }

  /** What another replica answered to such a question. */
  agreed(answer: Agreed, peer: number, now: Now): void {
    this.#quietly(undefined, peer, (step) => this.#config.replica.reaper?.answered(answer, peer, now, step))
  }

  /** Another replica announces its life, and what it is told waits for the disk. */
  announced(announce: Announce, asker: { readonly from: Address; readonly peer: number }): void {
    if (this.#heldCount >= HELD_MAX) return
    const { standing } = this.#config.replica
    this.exchange(-1, undefined, (_, step) => standing?.asked(announce, asker, step))
  }

  acquainted(answer: Acquainted, peer: number, now: Now): void {
    const { standing } = this.#config.replica
    this.exchange(-1, undefined, (_, step) => standing?.answered(answer, peer, now, step))
  }

  tick(now: Now): void {
    const { reaper } = this.#config.replica
    this.exchange(-1, undefined, (exchange, step) => exchange.tick(now, step))
    this.#quietly(undefined, -1, (step) => reaper?.tick(now, step))
  }

  /**
   * Something for the exchanges of the replica. Whatever leaves waits for all that is staged: digests speak of it.
   * A question for which the storage fails is declined.
   */
  exchange(from: Address, question: Question | undefined, run: (exchange: ReplicaExchange, step: Step) => void): void {
    const { exchange } = this.#config.replica
    if (exchange !== undefined) this.#quietly(question, from, (step) => run(exchange, step))
  }

  #quietly(question: Question | undefined, from: Address, run: (step: Step) => void): void {
    const { storage, deliver } = this.#config
    const step = this.#step
    if (this.#failed) return
    try {
      run(step)
      this.#stage()
    } catch (error) {
      step.clear()
      if (!isDamage(error)) return this.#fail(error)
      if (question !== undefined) deliver(from, { kind: 'declined', id: question.id })
      return
    }
    this.#release(storage.durable)
  }

  serve(request: Request | Errand, from: Address, now: Now): void {
    if (this.#failed) return
    if (this.#heldCount >= HELD_MAX && request.kind !== 'ping') {
      this.#refuse(request, from, { code: 'overloaded', detail: `${HELD_MAX} answers wait for the disk` })
      return
    }
    const { replica, storage } = this.#config
    const step = this.#step
    let waits = false
    try {
      replica.receive(request, from, now, step)
      waits = storage.durable && (step.writes.length > 0 || dependsOnStaged(request, storage))
      this.#stage()
    } catch (error) {
      step.clear()
      this.#storageError(error, request, from)
      return
    }
    this.#release(waits)
  }

  /**
   * Nothing of this replica leaves any more, and nothing is taken in: what a scan or a look finds after this has no
   * storage to go to.
   */
  stop(): void {
    this.#failed = true
  }

  /** Makes this turn's writes durable; what waited for them goes out behind them. */
  endTurn(): void {
    const held = this.#held
    if ((held.to.length === 0 && !this.#isStaged) || this.#failed) return
    this.#isStaged = false
    this.#held = { to: [], messages: [] }
    this.#config.storage.commit((error) => {
      if (error !== undefined) {
        this.#fail(error)
        return
      }
      if (this.#failed) return
      this.#heldCount -= held.to.length
      this.#config.resume()
      for (let i = 0; i < held.to.length; i++)
        this.#config.deliver(held.to[i] as Address, held.messages[i] as LocalMessage)
      this.#config.settle()
    })
  }

  /** Some writes have no answer: what is dropped should not wait for the next one that has. */
  #stage(): void {
    const { storage } = this.#config
    for (const change of this.#step.writes) {
      storage.stage(change)
      this.#isStaged ||= storage.durable
    }
  }

  #release(waits: boolean): void {
    const step = this.#step
    for (let i = 0; i < step.to.length; i++) {
      const to = step.to[i] as Address
      const message = step.messages[i] as LocalMessage
      if (!waits) {
        this.#config.deliver(to, message)
        continue
      }
      this.#held.to.push(to)
      this.#held.messages.push(message)
      this.#heldCount++
    }
    for (const scan of step.scans) void this.#scan(scan)
    for (const look of step.looks) void this.#look(look)
    this.#wakeAtMs = Math.min(this.#wakeAtMs, step.wakeAt)
    const notices = step.notices.length === 0 ? NO_NOTICES : step.notices.splice(0)
    step.clear()
    // An observer may call back into this process.
    for (const notice of notices) this.#config.onNotice(notice)
  }

  async #scan(effect: ScanEffect): Promise<void> {
    const { to, request } = effect
    if (isOwnWalk(effect)) return this.#walk(effect)
    if (this.#scans >= SCANS_MAX) {
      this.#refuse(request, to, { code: 'overloaded', detail: `${SCANS_MAX} scans are under way` })
      return
    }
    this.#scans++
    const { replica, storage } = this.#config
    try {
      const { keyspace, prefix, after, limit } = request
      const page = await storage.scan({ keyspace, prefix, after, limit, sizeBytesMax: SCAN_BYTES_MAX })
      if (this.#failed) return
      replica.scanned(effect, page, this.#config.resume(), this.#step)
      this.#stage()
      this.#release(storage.durable)
      if (storage.durable) this.endTurn()
    } catch (error) {
      this.#config.resume()
      this.#storageError(error, request, to)
    } finally {
      this.#scans--
      this.#config.settle()
    }
  }

  /** A page of a walk that a replica does for itself. */
  async #walk(effect: ScanEffect): Promise<void> {
    const { request } = effect
    const { replica, storage, resume, settle } = this.#config
    const { keyspace, prefix, after, limit } = request
    const page = await storage
      .scan({ keyspace, prefix, after, limit, sizeBytesMax: SCAN_BYTES_MAX, skipsDamaged: true })
      .catch(() => undefined)
    if (this.#failed) return
    for (const key of page?.damaged ?? []) this.#tellDamaged(keyspace, key)
    const now = resume()
    this.#quietly(undefined, -1, (step) => replica.walked(effect, page, now, step))
    settle()
  }

  #tellDamaged(fingerprint: number, key: string): void {
    const { replica, onNotice } = this.#config
    const known = replica.keyspaces().find(({ definition }) => definitionFingerprint(definition) === fingerprint)
    const keyspace = known?.definition.name ?? ''
    // Keyspaces that change their definition are walked once more.
    if (this.damaged.some((other) => other.keyspace === keyspace && other.key === key)) return
    if (this.damaged.length < DAMAGED_MAX) this.damaged.push({ keyspace, key })
    onNotice({ kind: 'damaged', keyspace, key })
  }

  async #look(effect: LookEffect): Promise<void> {
    const { storage, resume, settle } = this.#config
    const found = await storage.look(effect).catch(() => undefined)
    if (this.#failed) return
    const now = resume()
    this.exchange(-1, undefined, (exchange, step) => exchange.looked(effect, found, now, step))
    if (storage.durable) this.endTurn()
    settle()
  }

  /** A record that cannot be trusted is not served; any other surprise from the storage ends the replica. */
  #storageError(error: unknown, request: Request | Errand, from: Address): void {
    if (isDamage(error)) {
      this.#refuse(request, from, { code: 'storage-damaged', detail: error.message })
    } else {
      this.#fail(error)
    }
  }

  #refuse(
    request: Request | Errand,
    to: Address,
    reason: { readonly code: RefusalCode; readonly detail: string },
  ): void {
    if (request.kind === 'ping') return
    this.#config.deliver(to, { kind: 'refused', id: request.id, round: request.round, ...reason })
  }

  #fail(cause: unknown): void {
    if (this.#failed) return
    this.#failed = true
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `the storage failed, so this replica stops: ${why}. What was under way may or may not be on disk.`
    this.#config.onFatal(new QuorateError('QUORATE_STORAGE', message, { outcome: 'unknown', cause }))
  }
}

function isDamage(error: unknown): error is QuorateError {
  return error instanceof QuorateError && error.code === 'QUORATE_STORAGE'
}

/** Requests that are answered from a record. */
const READS: ReadonlySet<string> = new Set(['read', 'write', 'mint', 'prepare', 'accept', 'inquire'])

/** Whether the answer speaks of something that may still wait for the disk. What is registered is not tracked apart. */
function dependsOnStaged(request: Request | Errand, storage: Storage): boolean {
  if (request.kind === 'open') return true
  return (READS.has(request.kind) || isElectionRequest(request)) && storage.touchedStaged
}
