/**
 * How scenario scripts print what machines say: dots by the letter of their replica, values as text, digests and
 * operations by the order in which they turned up.
 */
import { QuorateError } from '../../src/core/base/errors.ts'
import { isClock, type CausalContext } from '../../src/core/causality/causal-context.ts'
import { stampOf } from '../../src/core/causality/hybrid-time.ts'
import { contextOf } from '../../src/core/causality/merge.ts'
import { HINTS_KEYSPACE, parseHintKey } from '../../src/core/hint.ts'
import type { KeyspaceDefinition } from '../../src/core/keyspace-definition.ts'
import type { Life, LocalMessage } from '../../src/core/message.ts'
import type { SeatEvent } from '../../src/core/consensus/candidate.ts'
import type { LeaderChange } from '../../src/core/consensus/observer.ts'
import type { Notice } from '../../src/core/notice.ts'
import type { GetResult } from '../../src/core/operation/get.ts'
import type { OpenResult } from '../../src/core/operation/open.ts'
import type { PutResult } from '../../src/core/operation/put.ts'
import type { Receipt } from '../../src/core/operation/receipt.ts'
import type { ScanResult } from '../../src/core/operation/scan.ts'
import type { StoredRecord } from '../../src/core/record.ts'
import { electionText, leaderText, seatText } from './seat-words.ts'

export type CallResult = GetResult | PutResult | ScanResult | OpenResult | SeatEvent | LeaderChange | QuorateError

export class Words {
  /** The wall clock when the story began; `lww` stamps are printed as milliseconds since then. */
  readonly startedAtMs: number
  readonly #actors = new Map<number, string>()
  readonly #digests = new Map<number, string>()
  readonly #operations = new Map<number, string>()
  readonly #keys = new Map<string, string>()
  readonly #firstRuns = new Map<number, number>()

  constructor(startedAtMs: number) {
    this.startedAtMs = startedAtMs
  }

  /** A replica's data begins, in this life. */
  nameActor({ incarnation, run }: Life, name: string): void {
    this.#actors.set(incarnation, name)
    this.#firstRuns.set(incarnation, run)
  }

  /** Scripts name keys by what they are for; the real key has the wanted primaries. */
  nameKey(real: string, name: string): void {
    this.#keys.set(real, name)
  }

  key(real: string): string {
    return this.#keys.get(real) ?? real
  }

  operation(op: number): string {
    const name = this.#operations.get(op) ?? `#${this.#operations.size + 1}`
    this.#operations.set(op, name)
    return name
  }

  digest(digest: number): string {
    if (digest === 0) return 'absent'
    const name = this.#digests.get(digest) ?? `D${this.#digests.size + 1}`
    this.#digests.set(digest, name)
    return name
  }

  value(value: Uint8Array | null): string {
    return value === null ? 'deleted' : new TextDecoder().decode(value)
  }

  dot({ actor, counter }: { readonly actor: number; readonly counter: number }): string {
    return `${this.actor(actor)}${counter}`
  }

  actor(incarnation: number): string {
    return this.#actors.get(incarnation) ?? `?${incarnation}`
  }

  /** `a2 b1 +b3`: all of a's dots up to 2, b's first, and b's third without the second. */
  context(context: CausalContext): string {
    const { vector, cloud } = context
    if (isClock(context)) return `clock ${this.stamp(vector[1] as number)} ${this.operation(cloud[0] as number)}`
    const words: string[] = []
    for (let i = 0; i < vector.length; i += 2) {
      words.push(this.dot({ actor: vector[i] as number, counter: vector[i + 1] as number }))
    }
    for (let i = 0; i < cloud.length; i += 2) {
      words.push(`+${this.dot({ actor: cloud[i] as number, counter: cloud[i + 1] as number })}`)
    }
    return words.join(' ') || 'nothing'
  }

  /** Milliseconds since the story began, and the step within the millisecond. */
  stamp(at: number): string {
    const steps = at - stampOf(this.startedAtMs)
    return `${Math.floor(steps / 4096)}ms.${((steps % 4096) + 4096) % 4096}`
  }

  record(record: StoredRecord | undefined): string {
    if (record === undefined) return 'absent'
    if (record.kind === 'lww')
      return `[${this.value(record.value)} @ ${this.stamp(record.at)} ${this.operation(record.op)}]`
    if (record.kind === 'register') return `[${this.value(record.state.value)}]`
    const siblings = record.siblings.map((sibling) => `${this.value(sibling.value)} ${this.dot(sibling)}`)
    return `[${siblings.join(', ')}] seen ${this.context(record.context)}`
  }

  /** A record as its replica keeps it: with the writes of its own that were replaced. */
  kept(record: StoredRecord | undefined): string {
    if (record?.kind !== 'dotted' || record.replaced.length === 0) return this.record(record)
    const { replaced } = record
    const gone = replaced.flatMap((op, i) => (i % 3 === 1 ? [`${this.operation(op)} at ${replaced[i + 1]}`] : []))
    return `${this.record(record)}, replaced ${gone.join(', ')}`
  }

  definition(definition: KeyspaceDefinition | undefined): string {
    if (definition === undefined) return 'none'
    const { name, n, read, write, conflicts } = definition
    return `${name}(n=${n} read=${read} write=${write} ${conflicts})`
  }

  message(message: LocalMessage): string {
    const { kind } = message
    switch (kind) {
      case 'read':
        return `${message.digest ? 'digest' : 'read'} ${this.key(message.key)}`
      case 'write':
        return `${this.#write(message.owner)} ${this.key(message.key)} ${this.record(message.record)}`
      case 'mint': {
        const { key, op, value, context } = message
        const what = `${this.key(key)} ${this.value(value)} ${this.operation(op)} after ${this.context(context)}`
        return `mint ${what}${this.#life(message)}${message.again ? ', again' : ''}`
      }
      case 'scan': {
        const { prefix, after, limit, keyspace } = message
        if (keyspace === HINTS_KEYSPACE) return `walk the hints of ${prefix.slice(0, -1)}`
        return `scan ${JSON.stringify(prefix)} after ${JSON.stringify(after)}, ${limit} at most`
      }
      case 'open': {
        const asked = message.definition === undefined ? message.name : this.definition(message.definition)
        return `open ${asked}${message.confirmed ? ', confirmed' : ''}`
      }
      case 'read-answer': {
        const digest = this.digest(message.digest)
        return message.record === undefined ? digest : `${digest} ${this.record(message.record)}`
      }
      case 'written':
        return 'stored'
      case 'minted':
        return this.#minted(message)
      case 'scan-page': {
        const entries = message.entries.map(({ keyspace, key, record }) =>
          keyspace === HINTS_KEYSPACE
            ? `hint ${this.key(parseHintKey(key).key)}`
            : `${this.key(key)} ${this.record(record)}`,
        )
        return `page ${[...entries, message.done ? 'end' : 'more'].join('; ')}`
      }
      case 'opened':
        return `has ${this.definition(message.definition)}${message.confirmed ? ', confirmed' : ''}`
      case 'refused':
        return `refused ${`${message.code} ${message.detail}`.trim()}`
      case 'drop-hint':
        return `drop the hint for ${this.member(message.owner)} of ${this.key(message.key)}`
      case 'agree':
      case 'reap':
        return `${kind} on ${message.entries.map((entry) => this.#heldKey(entry)).join('; ')}`
      case 'agreed':
        return message.heldMs.map((ms) => (ms < 0 ? 'held otherwise' : `held for ${ms} ms`)).join('; ')
      case 'look':
      case 'pre-vote':
      case 'vote':
      case 'renew':
      case 'resign':
      case 'ruled':
        return electionText(message)
      default:
        return kind
    }
  }

  #heldKey({ key, digest }: { readonly key: string; readonly digest: number }): string {
    return `${this.key(key)} ${digest === 0 ? 'as nothing' : this.digest(digest)}`
  }

  #write(owner: number | undefined): string {
    return owner === undefined ? 'write' : `keep for ${this.member(owner)}`
  }

  /** Replicas are named in the order of the alphabet. */
  member(index: number): string {
    return String.fromCharCode(97 + index)
  }

  #minted(message: Extract<LocalMessage, { kind: 'minted' }>): string {
    const { record } = message
    return `minted ${this.dot(message)}${record === undefined ? '' : ` before, now ${this.record(record)}`}`
  }

  /** Nothing for the first run of a replica over its first data. */
  #life({ incarnation, run }: Life): string {
    const name = this.actor(incarnation)
    const nth = run - (this.#firstRuns.get(incarnation) ?? run) + 1
    if (nth > 1) return `, for run ${nth} of ${name}`
    return name.endsWith("'") ? `, for ${name}` : ''
  }

  result(result: CallResult): string {
    if (result instanceof QuorateError) return this.#error(result)
    switch (result.kind) {
      case 'get':
        return `${this.record(result.record)}; ${receiptText(result.receipt)}`
      case 'put':
        return `done, seen ${this.context(result.context)}; ${receiptText(result.receipt)}`
      case 'scan': {
        const entries = result.entries.map(({ key, record }) => `${this.key(key)} ${this.record(record)}`)
        return [...entries, result.next === undefined ? 'end' : `next after ${this.key(result.next)}`].join('; ')
      }
      case 'open':
        return this.definition(result.definition)
      case 'elected':
      case 'fence':
      case 'lost':
      case 'leader':
        return seatText(result)
    }
  }

  /** What the holder of a result has seen of the key. */
  seenBy(result: CallResult): CausalContext {
    if (!(result instanceof QuorateError)) {
      if (result.kind === 'put') return result.context
      if (result.kind === 'get') return contextOf(result.record)
    }
    throw new Error('only a put and a get leave a context')
  }

  #error({ code, message, outcome, retry, replicas }: QuorateError): string {
    const said = Object.entries(replicas).map(([id, what]) => `${id} ${what}`)
    return [`${code}, outcome ${outcome}, retry ${retry}`, message, ...said].join('; ')
  }

  notice(notice: Notice): string {
    switch (notice.kind) {
      case 'reachability':
        return `${notice.replica} ${notice.before} -> ${notice.state}`
      case 'repair':
        return `repair of ${this.key(notice.key)} at ${notice.replicas.join(' ')}`
      case 'failed':
        return `failed ${notice.operation}: ${notice.code}`
      case 'siblings':
        return `${notice.count} siblings of ${this.key(notice.key)}`
      case 'keyspace':
        return `keyspace ${notice.name} registered${notice.confirmed ? ', confirmed' : ''}`
      case 'handoff':
        return `handoff to ${notice.owner} ${notice.state}, ${notice.count}`
      case 'refused':
        return `refused by ${notice.replica}`
      case 'damaged':
        return `${this.key(notice.key)} is damaged`
      case 'standing':
        return `standing ${notice.standing}: ${notice.why}`
      case 'older-copy':
        return `older copy at ${notice.replica}: ${notice.why}`
      case 'set-aside':
        return `set aside at ${notice.replica}: ${notice.directory ?? 'memory'}`
      case 'exchange':
        return `exchange with ${notice.replica} ${notice.outcome}, ${notice.differing} differ`
      case 'quorum':
        return `quorum ${notice.state}, ${notice.reached} of ${notice.members} reached`
      case 'partition': {
        const links = notice.links.map(({ replica, broken }) => `${replica} ${broken}`)
        return links.length === 0 ? 'no partition is suspected any more' : `partition suspected: ${links.join(', ')}`
      }
      case 'leader':
        return `${notice.group} is led by ${leaderText(notice.leader)}, before by ${leaderText(notice.before)}`
      case 'lease':
        return `${notice.group} ${notice.generation}: ${Math.round(notice.leftMs)} ms are left`
      case 'vote':
        return `${notice.group} ${notice.generation}: ${notice.leads ? 'led by' : 'vote for'} ${notice.holder}`
    }
  }
}

/** `level 2 strict settled, spare 0: a current, b stale repaired, c silent`. */
function receiptText(receipt: Receipt): string {
  const { level, strict, settled, spare, reached } = receipt
  const { sloppy, standIns } = receipt
  const kept = Object.entries(standIns).map(([id, owner]) => `${id} keeps it for ${owner}`)
  const flags = [
    ...(sloppy ? ['sloppy'] : []),
    strict ? 'strict' : 'not strict',
    settled ? 'settled' : 'not settled',
  ].join(' ')
  const parts = Object.entries(receipt.replicas).map(
    ([id, { state, repaired }]) => `${id} ${state}${repaired ? ' repaired' : ''}`,
  )
  return `level ${level} ${flags}, reached ${reached}, spare ${spare}: ${[...parts, ...kept].join(', ')}`
}
