/**
 * Opening a keyspace: the members agree on its definition before anybody uses it.
 *
 * A replica registers the first definition that it hears under a name. A definition that a majority of the members has
 * registered is *confirmed*: two different ones cannot both be, since majorities meet. Confirmation is spread, so that
 * later one confirmed replica is enough and a client can start inside a minority. A definition that lost the race
 * before it was confirmed gives way to the confirmed one.
 * Ring: decisions.
 */
import { QuorateError, type Outcome } from '../base/errors.ts'
import { definitionText, type KeyspaceDefinition } from '../keyspace-definition.ts'
import type { PreferenceList } from '../placement/placement.ts'
import { CountQuorum, count, firstPositions, majorityOf, type Quorum } from '../quorum/quorum.ts'
import { Operation, type Agenda, type View } from './operation.ts'

export interface OpenResult {
  readonly kind: 'open'
  /** The confirmed definition; nothing when a majority knows none and none was offered. */
  readonly definition: KeyspaceDefinition | undefined
}

export interface OpenPlan {
  readonly name: string
  /** What to register; left out to adopt what is registered. */
  readonly definition: KeyspaceDefinition | undefined
  /** All members, as if they were one preference list. */
  readonly list: PreferenceList
  readonly times: { readonly nowMs: number; readonly timeoutMs: number }
}

const BAD_DEFINITION = {
  code: 'QUORATE_INVALID_OPTION',
  why: 'the replicas refuse these options; what each says stands in `replicas`',
} as const

interface Registered {
  readonly definition: KeyspaceDefinition | undefined
  readonly confirmed: boolean
}

export class Open extends Operation {
  readonly kind = 'open'
  readonly plan: OpenPlan
  readonly quorum: Quorum
  /** What `agenda.open` carries. */
  question: { readonly definition: KeyspaceDefinition | undefined; readonly confirmed: boolean }
  readonly #heard = new Map<number, Registered>()

  constructor(plan: OpenPlan) {
    super(plan.list, plan.times)
    const members = plan.list.replicas.length
    this.plan = plan
    this.quorum = new CountQuorum(majorityOf(members), firstPositions(members))
    this.question = { definition: plan.definition, confirmed: false }
  }

  override get keyspaceName(): string {
    return this.plan.name
  }

  override get keyspaceFingerprint(): number {
    return 0
  }

  override again(position: number, agenda: Agenda): void {
    agenda.open = 1 << position
  }

  override outcome(): Outcome {
    return 'none'
  }

  override waitingFor(): string {
    return 'too few replicas answered in time; a keyspace is opened by a majority, or by one that knows it confirmed'
  }

  override begin(agenda: Agenda, view: View): void {
    this.late(agenda, view)
    if (agenda.open === 0) {
      this.unavailable(agenda, view)
    }
  }

  override lost(position: number, agenda: Agenda, view: View): void {
    this.failed |= 1 << position
    if (this.quorum.met(firstPositions(this.list.replicas.length) & ~this.refusedForGood)) return
    const isBad = [...(this.refusals?.values() ?? [])].some((why) => why.startsWith('bad-definition'))
    const reason = isBad ? BAD_DEFINITION : { code: 'QUORATE_LIMIT' as const, why: 'too many keyspaces are registered' }
    this.fail(agenda, reason, view.names)
  }

  override late(agenda: Agenda, view: View): void {
    agenda.open = view.usable & ~this.answered
    this.asked |= agenda.open
    this.failed &= ~agenda.open
  }

  opened(position: number, registered: Registered, agenda: Agenda, view: View): void {
    this.answered |= 1 << position
    this.#heard.set(position, registered)
    const settled = this.#settled()
    if (settled === undefined) {
      if (this.answered === firstPositions(this.list.replicas.length)) this.#noAgreement(agenda, view)
      return
    }
    const { definition } = settled
    if (definition !== undefined) {
      if (this.plan.definition !== undefined && !same(this.plan.definition, definition)) {
        agenda.done = this.#mismatch(definition)
        return
      }
      this.question = { definition, confirmed: true }
      agenda.open = view.usable
    }
    agenda.done = { kind: 'open', definition } satisfies OpenResult
  }

  /** A definition, or its absence, that can no longer be contradicted. */
  #settled(): Registered | undefined {
    const votes = new Map<string, { readonly registered: Registered; count: number }>()
    for (const registered of this.#heard.values()) {
      if (registered.confirmed) return registered
      const text = registered.definition === undefined ? '' : definitionText(registered.definition)
      const vote = votes.get(text) ?? { registered, count: 0 }
      vote.count++
      votes.set(text, vote)
    }
    const needed = majorityOf(this.list.replicas.length)
    for (const { registered, count: had } of votes.values()) if (had >= needed) return registered
    return undefined
  }

  #mismatch(registered: KeyspaceDefinition): QuorateError {
    const wanted = this.plan.definition as KeyspaceDefinition
    const differs = (Object.keys({ ...registered, ...wanted }) as (keyof KeyspaceDefinition)[])
      .filter((field) => registered[field] !== wanted[field])
      .map((field) => `${field} is ${textOf(registered[field])} there and ${textOf(wanted[field])} here`)
    return new QuorateError(
      'QUORATE_KEYSPACE_MISMATCH',
      `keyspace ${this.plan.name} is registered with other options: ${differs.join(', ')}. ` +
        'Open it with the registered options, or leave the options out to adopt them, or choose another name.',
    )
  }

  /** Everybody answered, and no definition has a majority: two openings met, and neither may win by luck. */
  #noAgreement(agenda: Agenda, view: View): void {
    const held = [...this.#heard].map(([position, { definition }]) => {
      const name = view.names[this.list.replicas[position] as number] as string
      return `${name}: ${definition === undefined ? 'none' : definitionText(definition)}`
    })
    agenda.done = new QuorateError(
      'QUORATE_KEYSPACE_MISMATCH',
      `keyspace ${this.plan.name} was opened with different options at once, and none has a majority of ` +
        `${count(this.answered)} replicas (${held.join('; ')}). Choose another name.`,
    )
  }
}

/** Only `sloppy` may not be there, for false. */
function textOf(value: string | number | boolean = false): string {
  return JSON.stringify(value)
}

function same(a: KeyspaceDefinition, b: KeyspaceDefinition): boolean {
  return definitionText(a) === definitionText(b)
}
