/**
 * The hints of one replica: what it keeps for whom, how much of it, and when the record itself can go.
 *
 * How many bytes are kept for each owner is stored beside the hints, so that a new process knows without a walk. The
 * sum is written before what it grows by and after what it shrinks by: should the disk tear a step, it is too high rather
 * than too low, and a walk that finds nothing puts it right.
 * Ring: machines.
 */
import { highestSeen } from './causality/causal-context.ts'
import { stampOf } from './causality/hybrid-time.ts'
import { digestOf } from './causality/merge.ts'
import { hintBytes, hintKey, hintMarker, hintPrefix, HINTS_KEYSPACE, newestIn, type HintedKey } from './hint.ts'
import { definitionFingerprint, type KeyspaceDefinition } from './keyspace-definition.ts'
import type { DropHint, Scan } from './message.ts'
import type { ResolvedCore } from './options.ts'
import type { Member, Membership } from './placement/membership.ts'
import { Placement } from './placement/placement.ts'
import type { RecordWrite, StoredRecord } from './record.ts'
import type { Refusal } from './refusal.ts'
import type { Now, Step } from './step.ts'

export interface HintsConfig {
  /** Of this replica. */
  readonly index: number
  readonly incarnation: number
  readonly membership: Membership
  readonly options: Pick<ResolvedCore, 'hintBytesMax' | 'hintAgeMsMax'>
  readonly read: (keyspace: number, key: string) => StoredRecord | undefined
  /** Takes a record off its shelf, of which `before` is what lies there. */
  readonly erase: (key: HintedKey, before: StoredRecord, step: Step) => void
  /** The keyspace in which a replica keeps what is its own. */
  readonly ownKeyspace: number
}

/** A write that is to be kept for another replica. */
export type HintedWrite = RecordWrite & { readonly owner: number }

/** No keyspace has a name that begins like this. */
const SUM_PREFIX = '/hints/'

export class Hints {
  readonly #config: HintsConfig
  /** Bytes by owner. */
  readonly #sums: number[]
  /** Owners for whom something came in since a walk over their hints began. */
  readonly #touched = new Set<number>()
  readonly #placements = new Map<number, Placement>()

  constructor(config: HintsConfig) {
    this.#config = config
    this.#sums = config.membership.members.map(() => 0)
  }

  /** Takes a record of the replica's own. False when it is about something else. */
  load({ key, record }: RecordWrite): boolean {
    if (!key.startsWith(SUM_PREFIX) || record.kind !== 'lww') return false
    const owner = this.#config.membership.members.findIndex(({ id }) => id === key.slice(SUM_PREFIX.length))
    if (owner >= 0) this.#sums[owner] = record.at
    return true
  }

  /** For whom there may be hints, as a set of indexes. */
  get owners(): number {
    let owners = 0
    for (const [owner, bytes] of this.#sums.entries()) if (bytes > 0) owners |= 1 << owner
    return owners
  }

  /** Bytes that are kept, by the index of the owner. */
  get bytes(): readonly number[] {
    return this.#sums
  }

  /** Keeps the write for its owner: `held` is what this replica will have under the key. Or says why not. */
  keep(
    request: HintedWrite,
    held: StoredRecord,
    at: { now: Now; definition: KeyspaceDefinition; step: Step },
  ): Refusal | undefined {
    const { owner, key, keyspace, record } = request
    const wrong = this.#whyNot(request, at.definition, at.now)
    if (wrong !== undefined) return wrong
    const marker = hintKey(this.#idOf(owner), { keyspace, key })
    const before = this.#charged(marker)
    const bytes = hintBytes(key, held)
    const { hintBytesMax } = this.#config.options
    const sum = this.#sums[owner] as number
    if (sum - before + bytes > hintBytesMax) {
      return { code: 'hints-full', detail: `${sum} bytes are kept for ${this.#idOf(owner)}` }
    }
    this.#touched.add(owner)
    this.#setSum(owner, sum - before + bytes, at.step)
    const newest = Math.max(newestIn(record), this.#stampOf(marker))
    at.step.writes.push({ keyspace: HINTS_KEYSPACE, key: marker, record: hintMarker({ at: newest, bytes }) })
    return undefined
  }

  /** The owner has it, or it is too old: the hint goes, and with the last one the record if it is only here for it. */
  drop(request: DropHint, definition: KeyspaceDefinition | undefined, step: Step): void {
    const { owner, keyspace, key, digest } = request
    const marker = hintKey(this.#idOf(owner), { keyspace, key })
    const bytes = this.#charged(marker)
    if (bytes === 0) return
    const record = this.#config.read(keyspace, key)
    if (digest !== undefined && digestOf(record) !== digest) return
    const isNeeded = definition === undefined || this.#isNeeded(request, record, definition)
    if (record !== undefined && !isNeeded) this.#config.erase({ keyspace, key }, record, step)
    step.writes.push({ keyspace: HINTS_KEYSPACE, key: marker, record: undefined })
    this.#setSum(owner, Math.max(0, (this.#sums[owner] as number) - bytes), step)
  }

  /** A walk over an owner's hints is asked for. */
  walks({ prefix, after }: Scan): void {
    if (after === '') this.#touched.delete(this.#ownerOf(prefix))
  }

  /** It found nothing at all. */
  foundNothing({ prefix }: Scan, step: Step): void {
    const owner = this.#ownerOf(prefix)
    if (owner >= 0 && !this.#touched.has(owner) && this.#sums[owner] !== 0) this.#setSum(owner, 0, step)
  }

  #whyNot({ owner, record }: HintedWrite, definition: KeyspaceDefinition, now: Now): Refusal | undefined {
    const { index, membership, options } = this.#config
    if (owner === index || membership.members[owner] === undefined) {
      return { code: 'bad-owner', detail: owner === index ? 'that is this replica' : 'there is no such replica' }
    }
    if (definition.sloppy !== true) return { code: 'bad-owner', detail: 'the keyspace takes no stand-ins' }
    if (newestIn(record) < stampOf(now.wallMs - options.hintAgeMsMax)) return { code: 'hint-too-old', detail: '' }
    return undefined
  }

  /**
   * Whether the record stays: it is this replica's to hold, or somebody else's hint, or it names dots of this replica,
   * whose counters must not begin anew.
   */
  #isNeeded(
    { owner, keyspace, key }: DropHint,
    record: StoredRecord | undefined,
    definition: KeyspaceDefinition,
  ): boolean {
    const { index, incarnation, membership } = this.#config
    if (record?.kind === 'dotted' && highestSeen(record.context, incarnation) > 0) return true
    if (this.#placementOf(definition).listOf(key).replicas.includes(index)) return true
    return membership.members.some(
      ({ id }, other) => other !== owner && this.#charged(hintKey(id, { keyspace, key })) > 0,
    )
  }

  #placementOf(definition: KeyspaceDefinition): Placement {
    const fingerprint = definitionFingerprint(definition)
    const known = this.#placements.get(fingerprint)
    if (known !== undefined) return known
    const placement = new Placement(this.#config.membership, definition.n)
    this.#placements.set(fingerprint, placement)
    return placement
  }

  #setSum(owner: number, bytes: number, step: Step): void {
    this.#sums[owner] = bytes
    const record: StoredRecord | undefined = bytes === 0 ? undefined : { kind: 'lww', op: 1, at: bytes, value: null }
    step.writes.push({ keyspace: this.#config.ownKeyspace, key: SUM_PREFIX + this.#idOf(owner), record })
  }

  /** The bytes that stand in a marker; 0 without one. */
  #charged(marker: string): number {
    const record = this.#config.read(HINTS_KEYSPACE, marker)
    return record?.kind === 'lww' ? record.op : 0
  }

  #stampOf(marker: string): number {
    const record = this.#config.read(HINTS_KEYSPACE, marker)
    return record?.kind === 'lww' ? record.at : 0
  }

  #idOf(owner: number): string {
    return (this.#config.membership.members[owner] as Member).id
  }

  #ownerOf(prefix: string): number {
    return this.#config.membership.members.findIndex(({ id }) => hintPrefix(id) === prefix)
  }
}
