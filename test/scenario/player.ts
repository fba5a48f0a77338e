/**
 * Plays a scenario script: each command moves the stage, and what the machines say of it is gathered line by line.
 */
import { QuorateError } from '../../src/core/base/errors.ts'
import { deltaOf, mint, EMPTY_RECORD } from '../../src/core/causality/dotted-record.ts'
import { EMPTY_CONTEXT, type CausalContext } from '../../src/core/causality/causal-context.ts'
import { contextOf } from '../../src/core/causality/merge.ts'
import { stampOf } from '../../src/core/causality/hybrid-time.ts'
import type { Call } from '../../src/core/coordinator-calls.ts'
import type { Answer } from '../../src/core/message.ts'
import type { Keyspace } from '../../src/core/operation/keyspace.ts'
import { parseOperationName, type OperationId } from '../../src/core/operation/operation-name.ts'
import { resolveKeyspace, type KeyspaceOptions, type Repair, type ResolvedKeyspace } from '../../src/core/options.ts'
import { Placement } from '../../src/core/placement/placement.ts'
import type { Level } from '../../src/core/quorum/level.ts'
import type { DottedRecord, StoredRecord } from '../../src/core/record.ts'
import { REFUSALS, type RefusalCode } from '../../src/core/refusal.ts'
import { Stage, type Ticket } from './stage.ts'
import { Command } from './command.ts'
import { SeatPlayer } from './seats.ts'

type CallKind = Call['kind'] | 'delete'

const CORE_OPTIONS = [
  'timeoutMs',
  'heartbeatMs',
  'driftMsMax',
  'inFlightMax',
  'siblingsMax',
  'keyspacesMax',
  'hintBytesMax',
  'hintAgeMsMax',
  'horizonMs',
]

export class Player {
  #stage: Stage | undefined
  #resolved: ResolvedKeyspace | undefined
  readonly #keyspaces = new Map<string, Keyspace>()
  readonly #tickets = new Map<string, Ticket>()
  readonly #identities = new Map<string, OperationId>()
  readonly #keys = new Map<string, string>()
  readonly #seats = new SeatPlayer()
  #operations = 1_000

  /** Plays the commands of one scene. */
  play(commands: readonly string[]): string[] {
    for (const line of commands) {
      const command = new Command(line)
      try {
        this.#play(command)
        command.end()
      } catch (error) {
        throw new Error(`${line}: ${(error as Error).message}`, { cause: error })
      }
    }
    const lines = (this.#stage?.lines.splice(0) ?? []).flatMap((line) => line.split('\n'))
    return lines.length > 0 ? lines : ['(nothing)']
  }

  get #on(): Stage {
    if (this.#stage === undefined) throw new Error('a story begins with `cluster`')
    return this.#stage
  }

  #play(command: Command): void {
    const verb = command.verb
    switch (verb) {
      case 'cluster':
        return this.#cluster(command)
      case 'key':
        return this.#key(command.word(), command.list('primaries'), command.list('fallbacks'))
      case 'get':
      case 'put':
      case 'delete':
      case 'scan':
      case 'open':
        return this.#call(verb, command)
      case 'plan':
        return this.#plan(command)
      case 'given':
        return this.#given(command)
      case 'show':
        return this.#show(command.word(), command.words())
      case 'forge':
        return this.#forge(command)
      default:
        if (!this.#seats.play(command, this.#on, this.#first) && !this.#fault(command) && !this.#post(command)) {
          throw new Error('unknown command')
        }
    }
  }

  /** Messages on their way. */
  #post(command: Command): boolean {
    const stage = this.#on
    const by = command.option('by')
    switch (command.verb) {
      case 'answer':
        for (const id of command.words()) {
          const asked = stage.serve(id, by)
          if (asked + stage.arrive(id, by) === 0) throw new Error(`nothing is on its way to or from ${id}`)
        }
        return true
      case 'serve':
        for (const id of command.words()) {
          if (stage.serve(id, by) === 0) throw new Error(`nothing is on its way to ${id}`)
        }
        return true
      case 'arrive':
        for (const id of command.words()) {
          if (stage.arrive(id, by) === 0) throw new Error(`nothing is on its way from ${id}`)
        }
        return true
      case 'settle':
        while (stage.bag.length > 0) {
          for (const id of stage.replicas.keys()) {
            stage.serve(id, by)
            stage.arrive(id, by)
          }
        }
        return true
      case 'refuse': {
        const id = command.word()
        const code = command.word() as RefusalCode
        if (!REFUSALS.includes(code)) throw new Error(`${code} is no refusal`)
        stage.refuse(id, { code, detail: command.words().join(' ') })
        if (stage.arrive(id) === 0) throw new Error(`nothing is on its way to ${id}`)
        return true
      }
      case 'lose': {
        const direction = command.word() as 'to' | 'from'
        for (const id of command.words()) {
          if (stage.lose(id, direction, by) === 0) throw new Error(`nothing is on its way ${direction} ${id}`)
        }
        return true
      }
      case 'repeat':
        for (const id of command.words()) {
          const again = stage.delivered.filter(({ replica }) => replica === id)
          if (again.length === 0) throw new Error(`${id} has answered nothing yet`)
          for (const letter of again) stage.deliver(letter)
        }
        return true
      case 'copies':
        for (const id of command.words()) {
          const again = stage.served.filter(({ replica, message }) => replica === id && message.kind !== 'open')
          if (again.length === 0) throw new Error(`${id} was asked nothing yet`)
          for (const letter of again) stage.handTo(stage.replica(id), letter)
        }
        return true
      default:
        return false
    }
  }

  /** What goes wrong, and time. */
  #fault(command: Command): boolean {
    const stage = this.#on
    switch (command.verb) {
      case 'down':
      case 'up':
        for (const id of command.words()) stage.link(id, command.verb === 'up')
        return true
      case 'sleep':
      case 'wake':
        for (const id of command.words()) stage.replica(id).awake = command.verb === 'wake'
        return true
      case 'page':
        stage.replica(command.word()).pageMax = command.number()
        return true
      case 'far':
        stage.replica(command.word()).distanceMs = command.number()
        return true
      case 'full':
      case 'roomy':
        for (const id of command.words()) stage.replica(id).full = command.verb === 'full'
        return true
      case 'restart':
      case 'wipe':
        for (const id of command.words()) stage.replica(id).restart({ wiped: command.verb === 'wipe' })
        return true
      case 'wall': {
        const id = command.word()
        const aheadMs = command.number()
        if (stage.replicas.has(id)) stage.replica(id).wallAheadMs = aheadMs
        else stage.wallAheadMs = aheadMs
        return true
      }
      case 'wait':
        stage.wait(command.number())
        return true
      case 'reap':
        stage.reap()
        return true
      case 'pause':
        stage.pause(command.number())
        return true
      case 'cancel': {
        const ticket = this.#ticket(command.word())
        stage.act(ticket.coordinator, (machine, now, step) => machine.cancel(ticket.id, now, step))
        return true
      }
      case 'close':
        stage.act(command.option('by') ?? this.#first, (machine, now, step) => machine.close(now, step))
        return true
      case 'status':
        this.#status(command.option('by') ?? this.#first)
        return true
      default:
        return false
    }
  }

  get #first(): string {
    return [...this.#on.coordinators.keys()][0] as string
  }

  #cluster(command: Command): void {
    const replicas = command.list('replicas')
    const core = Object.fromEntries(
      CORE_OPTIONS.flatMap((name) => {
        const value = command.option(name)
        return value === undefined ? [] : [[name, Number(value)]]
      }),
    )
    this.#stage = new Stage({
      replicas,
      zones: command.list('zones'),
      coordinators: command.list('by', ['client']),
      zone: command.option('zone') ?? '',
      core,
      notices: command.flag('notices'),
    })
    const stage = this.#stage
    if (command.flag('near')) for (const replica of stage.replicas.values()) replica.distanceMs = 1
    const unopened = command.flag('unopened')
    this.#resolved = resolveKeyspace('carts', this.#keyspaceOptions(command), stage.membership)
    const { definition } = this.#resolved
    for (const [name, coordinator] of stage.coordinators) {
      this.#keyspaces.set(name, coordinator.keyspace(this.#resolved))
      for (const id of replicas) {
        const { index } = stage.replica(id)
        if (name !== id) stage.act(name, (machine, now, step) => machine.linked(index, true, now, step))
        if (unopened) continue
        stage.bag.push({
          coordinator: name,
          replica: id,
          message: { kind: 'open', id: 0, round: 0, name: 'carts', definition, confirmed: true },
        })
        stage.serve(id)
        stage.lose(id, 'from')
      }
      stage.tick(name)
    }
    if (!command.flag('loud')) stage.lines.length = 0
  }

  #keyspaceOptions(command: Command): KeyspaceOptions {
    const options: Record<string, unknown> = { mode: 'ap' }
    for (const name of ['n', 'r', 'w', 'timeoutMs']) {
      const value = command.option(name)
      if (value !== undefined) options[name] = Number(value)
    }
    for (const name of ['read', 'write', 'repair']) {
      const value = command.option(name)
      if (value !== undefined) options[name] = spaced(value)
    }
    if (command.flag('lww')) options['conflicts'] = 'lww'
    if (command.flag('sloppy')) options['sloppy'] = true
    return options as unknown as KeyspaceOptions
  }

  /** Finds a key with this preference list, and these members to stand in first. */
  #key(name: string, primaries: readonly string[], fallbacks: readonly string[]): void {
    const { membership, words } = this.#on
    const { n } = (this.#resolved as ResolvedKeyspace).definition
    const placement = new Placement(membership, n)
    const indexes = (ids: readonly string[]): string => ids.map((id) => this.#on.replica(id).index).join()
    const wanted = indexes(primaries)
    for (let i = 0; i < 100_000; i++) {
      const real = `${name}${i}`
      const list = placement.listOf(real)
      if (list.replicas.join() !== wanted || !list.fallbacks.join().startsWith(indexes(fallbacks))) continue
      this.#keys.set(name, real)
      words.nameKey(real, name)
      return
    }
    throw new Error(`no key has the primaries ${primaries.join()}`)
  }

  #call(kind: CallKind, command: Command): void {
    const stage = this.#on
    const label = command.label ?? kind
    const by = command.option('by') ?? this.#first
    const ticket: Ticket = { label, coordinator: by, id: 0, result: undefined }
    this.#tickets.set(label, ticket)
    const timeoutMs = command.option('timeout')
    const base = { tag: ticket, ...(timeoutMs !== undefined && { timeoutMs: Number(timeoutMs) }) }
    const call = kind === 'open' ? this.#open(command, base) : this.#keyCall(kind, command, { ...base, by })
    stage.written = undefined
    stage.act(by, (machine, now, step) => {
      ticket.id = machine.call(call, now, step)
    })
    if (stage.written !== undefined) this.#identities.set(label, stage.written)
  }

  #keyCall(kind: CallKind, command: Command, base: { readonly tag: Ticket; readonly by: string }): Call {
    const { by, ...rest } = base
    const keyspace = this.#keyspaces.get(by) as Keyspace
    const text = command.option('level')
    const level: Level | undefined = text !== undefined && /^\d+$/.test(text) ? Number(text) : text && spaced(text)
    if (kind === 'scan') {
      const prefix = command.option('prefix') ?? ''
      const after = command.option('after') ?? ''
      return { ...rest, kind, keyspace, level, prefix, after, limit: Number(command.option('limit') ?? 100) }
    }
    const key = this.#real(command.word())
    if (kind === 'get') {
      const repair = command.option('repair') as Repair | undefined
      const atLeast = this.#context(command.option('seen'))
      return { ...rest, kind, keyspace, key, level, repair, atLeast }
    }
    const value = kind === 'delete' ? null : new TextEncoder().encode(command.word())
    const context = this.#context(command.option('after'))
    const earlier = command.option('operation')
    const operation = earlier === undefined ? undefined : this.#identity(earlier)
    return { ...rest, kind: 'put', keyspace, key, value, level, context, operation }
  }

  /** What the error of an earlier attempt names; for one that is planned or under way, what was sent. */
  #identity(label: string): OperationId {
    const result = this.#tickets.get(label)?.result
    if (result instanceof QuorateError) return parseOperationName(result.operation)
    const identity = this.#identities.get(label)
    if (identity === undefined) throw new Error(`no write was sent for ${label}`)
    return identity
  }

  #open(command: Command, base: { readonly tag: Ticket }): Call {
    const name = command.word()
    const adopt = command.flag('adopt')
    const { membership } = this.#on
    const definition = adopt ? undefined : resolveKeyspace(name, this.#keyspaceOptions(command), membership).definition
    return { ...base, kind: 'open', name, definition }
  }

  /** The identity of a write that is yet to be made. */
  #plan(command: Command): void {
    const stage = this.#on
    const label = command.label ?? 'plan'
    const by = command.option('by') ?? this.#first
    const key = this.#real(command.word())
    try {
      const id = stage.coordinator(by).newOperation(this.#keyspaces.get(by) as Keyspace, key, stage.now())
      this.#identities.set(label, id)
      const home = id.home === 0 ? 'nowhere' : stage.words.actor(id.home)
      stage.lines.push(`${label}: ${stage.words.operation(id.op)} at home ${home}`)
    } catch (error) {
      stage.lines.push(`${label}: ${stage.words.result(error as QuorateError)}`)
    }
  }

  /** A write that reached some replicas in a past that the script does not tell. */
  #given(command: Command): void {
    const stage = this.#on
    const ids = command.list('at')
    const key = this.#real(command.word())
    const value = new TextEncoder().encode(command.word())
    const { keyspace, conflicts } = this.#target
    const op = ++this.#operations
    stage.words.operation(op)
    const at = stampOf(stage.now().wallMs) + op
    const first = stage.replica(ids[0] as string)
    const before = first.read(keyspace, key)
    const context = this.#context(command.option('after')) ?? EMPTY_CONTEXT
    const current = before?.kind === 'dotted' ? before : EMPTY_RECORD
    const dotted = (): DottedRecord => mint(current, first.incarnation, { op, at, value, context })
    const record: StoredRecord = conflicts === 'lww' ? { kind: 'lww', op, at, value } : dotted()
    for (const id of ids) stage.place(id, { keyspace, key, record })
    if (command.label === undefined) return
    const receipt = undefined as never
    const result = { kind: 'put', context: contextOf(record), receipt } as const
    this.#tickets.set(command.label, { label: command.label, coordinator: '', id: 0, result })
  }

  get #target(): { readonly keyspace: number; readonly conflicts: string } {
    const keyspace = this.#keyspaces.get(this.#first) as Keyspace
    return { keyspace: keyspace.fingerprint, conflicts: keyspace.definition.conflicts }
  }

  #show(name: string, ids: readonly string[]): void {
    const { lines, words, replicas } = this.#on
    if (name === 'definitions') {
      for (const { id, machine } of replicas.values()) {
        const registered = machine
          .keyspaces()
          .map(({ definition, confirmed }) => words.definition(definition) + (confirmed ? ', confirmed' : ''))
        lines.push(`${id} has ${registered.join(', ') || 'none'}`)
      }
      return
    }
    for (const id of ids.length > 0 ? ids : replicas.keys()) {
      lines.push(`${id} holds ${words.kept(this.#on.replica(id).read(this.#target.keyspace, this.#real(name)))}`)
    }
  }

  /** An answer that no replica gave. */
  #forge(command: Command): void {
    const from = command.word()
    const kind = command.word()
    const ticket = this.#ticket(command.word())
    const round = Number(command.option('round') ?? 0)
    const head = { id: ticket.id, round }
    const context = { vector: [], cloud: [] }
    const record = deltaOf({ op: 1, at: 1, value: null, context }, { actor: 99, counter: 9 })
    const answers: Record<string, Answer> = {
      stored: { kind: 'written', ...head },
      minted: { kind: 'minted', ...head, actor: 99, counter: 9, floor: 0, record: undefined },
      record: { kind: 'read-answer', ...head, digest: 99, record },
      absent: { kind: 'read-answer', ...head, digest: 0, record: undefined },
      page: { kind: 'scan-page', ...head, entries: [], done: true },
      opened: { kind: 'opened', ...head, definition: undefined, confirmed: false },
      refused: { kind: 'refused', ...head, code: 'overloaded', detail: '' },
    }
    const message = answers[kind]
    if (message === undefined) throw new Error(`${kind} cannot be forged`)
    this.#on.deliver({ coordinator: ticket.coordinator, replica: from, message })
  }

  #status(by: string): void {
    const { lines, membership, monoMs } = this.#on
    const { peers, inFlight } = this.#on.coordinator(by)
    const states = membership.members.map(({ id }, index) => `${id} ${peers.state(index, monoMs)}`)
    lines.push(`${states.join(', ')}; ${inFlight} in flight`)
  }

  #context(label: string | undefined): CausalContext | undefined {
    if (label === undefined) return undefined
    const { result } = this.#ticket(label)
    if (result === undefined) throw new Error(`${label} has not ended`)
    return this.#on.words.seenBy(result)
  }

  #ticket(label: string): Ticket {
    const ticket = this.#tickets.get(label)
    if (ticket === undefined) throw new Error(`there was no call ${label}`)
    return ticket
  }

  #real(name: string): string {
    return this.#keys.get(name) ?? name
  }
}

/** Options of a script have no spaces: `2_of_(a,b)`. */
function spaced(text: string): string {
  return text.replaceAll('_', ' ')
}
