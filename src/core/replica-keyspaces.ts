/**
 * The keyspaces that are registered at one replica: which definition a name stands for, durably.
 *
 * Ring: machines.
 */
import {
  definitionFingerprint,
  definitionText,
  parseDefinition,
  type KeyspaceDefinition,
} from './keyspace-definition.ts'
import type { Open, Opened } from './message.ts'
import { checkQuorums } from './operation/prove-quorums.ts'
import type { Membership } from './placement/membership.ts'
import type { RecordWrite, StoredRecord } from './record.ts'
import type { Refusal } from './refusal.ts'
import type { Address, Step } from './step.ts'

export interface Registered {
  readonly definition: KeyspaceDefinition
  /** Whether a majority of the members is known to have registered it. */
  readonly confirmed: boolean
  /** Left out unless there may be acknowledged writes that this replica has forgotten. */
  readonly isCatchingUp?: true
}

/** What is registered, in the time stamp of the record that keeps it. */
const CONFIRMED = 1
const CATCHING_UP = 2

export interface KeyspacesConfig {
  /** The address of the coordinator in the same process. */
  readonly index: Address
  readonly membership: Membership
  readonly keyspacesMax: number
  /** The keyspace in which a replica keeps what is its own. */
  readonly ownKeyspace: number
  /** Another definition took the place of one that was never confirmed. */
  readonly redefined: () => void
  /** Whether this replica may have forgotten writes of a keyspace of which it hears for the first time. */
  readonly mayForget: (definition: KeyspaceDefinition, confirmed: boolean) => boolean
  /** There is one with which the replica has to catch up. */
  readonly behind: (definition: KeyspaceDefinition, step: Step) => void
}

/** A refusal travels with its reason, of which so much has to do. */
const WHY_CHARS_MAX = 300

export class Keyspaces {
  readonly #config: KeyspacesConfig
  readonly #byName = new Map<string, Registered>()
  readonly #byFingerprint = new Map<number, KeyspaceDefinition>()
  /** What `definitionOf` gave; forgotten with every change. */
  #lastFingerprint = -1
  #last: KeyspaceDefinition | undefined

  constructor(config: KeyspacesConfig) {
    this.#config = config
  }

  all(): readonly Registered[] {
    return [...this.#byName.values()]
  }

  get definitions(): ReadonlyMap<number, KeyspaceDefinition> {
    return this.#byFingerprint
  }

  /** One of them. Mostly it is the one that was asked for last: a map hashes a fingerprint each time anew. */
  definitionOf(fingerprint: number): KeyspaceDefinition | undefined {
    if (fingerprint === this.#lastFingerprint) return this.#last
    this.#last = this.#byFingerprint.get(fingerprint)
    this.#lastFingerprint = fingerprint
    return this.#last
  }

  isConfirmed({ name }: KeyspaceDefinition): boolean {
    return this.#byName.get(name)?.confirmed === true
  }

  /** Those with which this replica has not caught up. */
  get behind(): readonly KeyspaceDefinition[] {
    return this.all().flatMap(({ definition, isCatchingUp }) => (isCatchingUp === true ? [definition] : []))
  }

  isBehind({ name }: KeyspaceDefinition): boolean {
    return this.#byName.get(name)?.isCatchingUp === true
  }

  /** Whatever is registered may have been forgotten, or is back. */
  setBehind(isCatchingUp: boolean, step: Step, which: (definition: KeyspaceDefinition) => boolean = every): void {
    for (const registered of this.all()) {
      const { definition, confirmed } = registered
      if ((registered.isCatchingUp === true) === isCatchingUp || !which(definition)) continue
      this.#keep({ definition, confirmed, ...catchingUp(isCatchingUp) }, step)
    }
  }

  /** Takes a record of the replica's own. What is no definition is passed over. */
  load({ record }: RecordWrite): void {
    if (record.kind !== 'lww' || record.value === null) return
    const definition = parseDefinition(new TextDecoder().decode(record.value))
    if (definition === undefined) return
    const confirmed = (record.at & CONFIRMED) !== 0
    this.#remember({ definition, confirmed, ...catchingUp((record.at & CATCHING_UP) !== 0) })
  }

  /** The first definition under a name stays, unless it was never confirmed and a confirmed one comes. */
  open(request: Open, step: Step): Opened | Refusal {
    const { name, definition, confirmed, id, round } = request
    const registered = this.#byName.get(name)
    const { keyspacesMax } = this.#config
    if (registered === undefined && definition !== undefined && this.#byName.size >= keyspacesMax) {
      const detail = `${this.#byName.size} are registered: use one of them, or raise keyspacesMax`
      return { code: 'too-many-keyspaces', detail }
    }
    if (definition !== undefined && definition.name === name && replaces(confirmed, registered)) {
      const wrong = this.#whyNoDefinition(definition)
      if (wrong !== undefined) return { code: 'bad-definition', detail: wrong }
      this.#register({ definition, confirmed }, step)
    }
    const now = this.#byName.get(name)
    return { kind: 'opened', id, round, definition: now?.definition, confirmed: now?.confirmed ?? false }
  }

  /** Coordinators look before they ask; one that did not would leave a keyspace that nobody can use. */
  #whyNoDefinition(definition: KeyspaceDefinition): string | undefined {
    try {
      checkQuorums(definition, this.#config.membership)
      return undefined
    } catch (error) {
      const [why = ''] = (error as Error).message.split('\n')
      return why.slice(0, WHY_CHARS_MAX)
    }
  }

  #register({ definition, confirmed }: Omit<Registered, 'isCatchingUp'>, step: Step): void {
    const before = this.#byName.get(definition.name)
    const isKnown = before !== undefined && definitionText(before.definition) === definitionText(definition)
    if (before !== undefined) this.#byFingerprint.delete(definitionFingerprint(before.definition))
    const isCatchingUp = isKnown ? before.isCatchingUp === true : this.#config.mayForget(definition, confirmed)
    this.#keep({ definition, confirmed, ...catchingUp(isCatchingUp) }, step)
    if (before !== undefined && !isKnown) this.#config.redefined()
    if (confirmed && definition.leader === true) {
      step.send(this.#config.index, { kind: 'led', id: 0, round: 0, definition })
    }
    step.notices.push({ kind: 'keyspace', name: definition.name, confirmed })
    if (!isCatchingUp || isKnown) return
    this.#config.behind(definition, step)
    const why = 'this replica may have forgotten writes of it'
    step.notices.push({ kind: 'standing', standing: 'catching-up', keyspace: definition.name, why })
  }

  #keep(registered: Registered, step: Step): void {
    this.#remember(registered)
    const { definition, confirmed, isCatchingUp } = registered
    const value = new TextEncoder().encode(definitionText(definition))
    const at = (confirmed ? CONFIRMED : 0) + (isCatchingUp === true ? CATCHING_UP : 0)
    const record: StoredRecord = { kind: 'lww', op: 1, at, value }
    step.writes.push({ keyspace: this.#config.ownKeyspace, key: definition.name, record })
  }

  #remember(registered: Registered): void {
    this.#lastFingerprint = -1
    this.#byName.set(registered.definition.name, registered)
    this.#byFingerprint.set(definitionFingerprint(registered.definition), registered.definition)
  }
}

function catchingUp(isCatchingUp: boolean): { readonly isCatchingUp?: true } {
  return isCatchingUp ? { isCatchingUp } : {}
}

function every(): boolean {
  return true
}

function replaces(confirmed: boolean, registered: Registered | undefined): boolean {
  return registered === undefined || (confirmed && !registered.confirmed)
}
