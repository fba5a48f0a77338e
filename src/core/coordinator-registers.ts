/**
 * The coordinator's part that serves registers: one queue for each key with changes under way, and at most one round of
 * each queue at a time.
 *
 * Operations on one key that meet in a coordinator share rounds instead of preempting each other. A round that was
 * preempted, by another coordinator or by a leader, makes its queue wait: exponentially longer each time, by a random
 * share of what the round had taken, so that two coordinators that keep meeting get out of step.
 * Ring: machines.
 */
import type { Random } from './base/random.ts'
import type { BallotSource } from './consensus/ballot-source.ts'
import { definitionFingerprint, type KeyspaceDefinition } from './keyspace-definition.ts'
import type { Answer, Stuck } from './message.ts'
import type { Keyspace } from './operation/keyspace.ts'
import type { Agenda, Operation, View } from './operation/operation.ts'
import type { Peers } from './operation/peers.ts'
import { Proposal, type ProposalEnd } from './operation/proposal.ts'
import type { RegisterOperation, RegisterPlan } from './operation/register-operation.ts'
import { RegisterRead } from './operation/register-read.ts'
import { RegisterWrite } from './operation/register-write.ts'
import type { Now, Step } from './step.ts'

/** What the coordinator does for its registers. */
export interface RegistersHost {
  readonly random: Random
  readonly ballots: (proposer: number) => BallotSource
  readonly peers: Peers
  keyspaceOf(definition: KeyspaceDefinition): Keyspace
  /** Takes a round, or an operation of nobody's, in, and carries out how it begins. */
  run(operation: Proposal | RegisterWrite, now: Now, step: Step): void
  /** Ends an operation in flight with what its agenda says. */
  conclude(operation: Operation, decide: (agenda: Agenda, view: View) => void, now: Now, step: Step): void
  /** Drops one that nobody waits for. */
  drop(operation: Proposal): void
}

/** Operations that one round serves: so many still find themselves in the table of a state after others' rounds. */
const TOGETHER_MAX = 32
/** Registers settled at a time without anybody asking. */
const SETTLING_MAX = 16
const BACKOFF_MS_MIN = 1
const BACKOFF_MS_MAX = 1_000
const DOUBLINGS_MAX = 5
/** As powers of two. */
const LEAP_MIN = 4
const LEAP_MAX = 12

class Queue {
  readonly plan: RegisterPlan
  readonly waiting: RegisterOperation[] = []
  proposal: Proposal | undefined = undefined
  losses = 0
  resumesAtMs = 0

  constructor(plan: RegisterPlan) {
    this.plan = plan
  }
}

export class Registers {
  readonly #host: RegistersHost
  /** By fingerprint of the keyspace and key. Only queues in which somebody waits. */
  readonly #queues = new Map<string, Queue>()
  readonly #pausing = new Set<Queue>()
  /** Operations that nobody waits for. */
  readonly #settling = new Set<RegisterOperation>()
  readonly #keyspaces = new Map<number, Keyspace>()
  #ballots: BallotSource | undefined

  constructor(host: RegistersHost) {
    this.#host = host
  }

  /** When the next queue that backed off goes on. */
  get wakeAtMs(): number {
    let wakeAtMs = Infinity
    for (const { resumesAtMs } of this.#pausing) wakeAtMs = Math.min(wakeAtMs, resumesAtMs)
    return wakeAtMs
  }

  /** The operation waits for a round of its key. */
  enqueue(operation: RegisterOperation, now: Now, step: Step): void {
    const name = nameOf(operation)
    let queue = this.#queues.get(name)
    if (queue === undefined) this.#queues.set(name, (queue = new Queue(operation.plan)))
    queue.waiting.push(operation)
    operation.isQueued = true
    operation.proposal = queue.proposal
    if (queue.proposal === undefined && !this.#pausing.has(queue)) this.#begin(queue, now, step)
  }

  /**
   * The operation has ended, however. A round that serves nobody any more is left alone. Tells whether anybody waits for
   * the operation.
   */
  left(operation: RegisterOperation): boolean {
    operation.isOver = true
    if (operation.isQueued) this.#leave(operation)
    return !this.#settling.delete(operation)
  }

  #leave(operation: RegisterOperation): void {
    const name = nameOf(operation)
    const queue = this.#queues.get(name)
    const place = queue?.waiting.indexOf(operation) ?? -1
    if (queue === undefined || place < 0) return
    queue.waiting.splice(place, 1)
    if (queue.waiting.length > 0) return
    if (queue.proposal !== undefined) this.#host.drop(queue.proposal)
    this.#pausing.delete(queue)
    this.#queues.delete(name)
  }

  /** A register that exchanges cannot make equal: a round above all promises does. What finds no room is told again. */
  settle({ definition, key, promised }: Stuck, now: Now, step: Step): void {
    this.#source.observe(promised)
    const keyspace = this.#keyspaceOf(definition)
    const { random } = this.#host
    const times = { nowMs: now.monoMs, timeoutMs: keyspace.timeoutMs }
    const plan = { keyspace, key, list: keyspace.listOf(key), times }
    if (this.#settling.size >= SETTLING_MAX || this.#queues.has(nameOf({ plan }))) return
    const change = { kind: 'look', isFresh: true } as const
    const operation = new RegisterWrite({ ...plan, change, op: random.identity(), at: 0, isRetry: false })
    this.#settling.add(operation)
    this.#host.run(operation, now, step)
    if (operation.id === 0) this.#settling.delete(operation)
  }

  #keyspaceOf(definition: KeyspaceDefinition): Keyspace {
    const fingerprint = definitionFingerprint(definition)
    const known = this.#keyspaces.get(fingerprint)
    if (known !== undefined) return known
    const keyspace = this.#host.keyspaceOf(definition)
    this.#keyspaces.set(fingerprint, keyspace)
    return keyspace
  }

  tick(now: Now, step: Step): void {
    for (const queue of this.#pausing) {
      if (now.monoMs < queue.resumesAtMs) continue
      this.#pausing.delete(queue)
      this.#begin(queue, now, step)
    }
  }

  /** An answer to a round or a read. */
  deliver(
    operation: Proposal | RegisterRead,
    position: number,
    answer: Exclude<Answer, { kind: 'pong' }>,
    at: { readonly agenda: Agenda; readonly view: View },
  ): void {
    if (answer.round !== operation.round) return
    const { agenda, view } = at
    if (answer.kind === 'outdated') {
      this.#host.peers.learn(answer.births)
      operation.outdated(position, agenda, view)
    } else if (answer.kind === 'accepted') operation.accepted(position, agenda, view)
    else if (operation instanceof RegisterRead) {
      if (answer.kind === 'told') operation.told(position, answer, agenda, view)
      else if (answer.kind === 'preempted') operation.preempted(agenda)
    } else if (answer.kind === 'promised') operation.promised(position, answer, agenda, view)
    else if (answer.kind === 'preempted') operation.preempted(position, answer.promised, agenda, view)
  }

  /** A round is over. */
  ended(proposal: Proposal, { end }: ProposalEnd, now: Now, step: Step): void {
    const queue = this.#queues.get(nameOf(proposal))
    if (queue?.proposal !== proposal) return
    queue.proposal = undefined
    this.#source.observe(proposal.preemptedBy)
    if (end === 'preempted') this.#backOff(queue, proposal, now, step)
    else if (end === 'outdated') this.#begin(queue, now, step)
    else if (end === 'won') this.#won(queue, proposal, now, step)
    else this.#unreachable(queue, now, step)
  }

  #won(queue: Queue, proposal: Proposal, now: Now, step: Step): void {
    queue.losses = 0
    for (const { operation: served, verdict } of proposal.decided) {
      const operation = served as RegisterOperation
      if (operation.isOver) continue
      this.#host.conclude(operation, (agenda, view) => operation.conclude(verdict, proposal, agenda, view), now, step)
    }
    if (queue.waiting.length > 0) this.#begin(queue, now, step)
  }

  #unreachable(queue: Queue, now: Now, step: Step): void {
    const { names } = this.#host.peers
    const reason = { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas can answer' } as const
    for (const operation of queue.waiting.slice()) {
      this.#host.conclude(operation, (agenda) => operation.fail(agenda, reason, names), now, step)
    }
  }

  #backOff(queue: Queue, proposal: Proposal, now: Now, step: Step): void {
    const tookMs = Math.max(BACKOFF_MS_MIN, now.monoMs - proposal.startedAtMs)
    const spanMs = Math.min(BACKOFF_MS_MAX, tookMs * 2 ** Math.min(queue.losses, DOUBLINGS_MAX))
    queue.losses++
    queue.resumesAtMs = now.monoMs + this.#host.random.fraction() * spanMs
    for (const operation of queue.waiting) operation.isPreempted = true
    this.#pausing.add(queue)
    step.wakeAt = Math.min(step.wakeAt, queue.resumesAtMs)
  }

  #begin(queue: Queue, now: Now, step: Step): void {
    const { keyspace, key, list } = queue.plan
    const waiting = (): readonly RegisterOperation[] => queue.waiting.slice(0, TOGETHER_MAX)
    const times = { nowMs: now.monoMs, timeoutMs: Infinity }
    const proposal = new Proposal({ keyspace, key, list, times, waiting, ballot: this.#source.next(leapOf(queue)) })
    queue.proposal = proposal
    for (const operation of queue.waiting) operation.proposal = proposal
    this.#host.run(proposal, now, step)
  }

  /** Drawn when the first round begins: a process without registers draws nothing. */
  get #source(): BallotSource {
    return (this.#ballots ??= this.#host.ballots(this.#host.random.identity()))
  }
}

/** One that has lost goes above what others have counted to while it waited. */
function leapOf({ losses }: Queue): number {
  return losses === 0 ? 0 : 2 ** Math.min(losses + LEAP_MIN, LEAP_MAX)
}

function nameOf({ plan }: { readonly plan: RegisterPlan }): string {
  return `${plan.keyspace.fingerprint} ${plan.key}`
}
