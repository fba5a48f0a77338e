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
import type { Step } from './step.ts'

export interface Registered {
  readonly definition: KeyspaceDefinition
  /** Whether a majority of the members is known to have registered it. */
  readonly confirmed: boolean
}

export interface KeyspacesConfig {
  readonly membership: Membership
  readonly keyspacesMax: number
  /** The keyspace in which a replica keeps what is its own. */
  readonly ownKeyspace: number
  /** Another definition took the place of one that was never confirmed. */
  readonly redefined: () => void
}

/** A refusal travels with its reason, of which so much has to do. */
const WHY_CHARS_MAX = 300

export class Keyspaces {
  readonly #config: KeyspacesConfig
  readonly #byName = new Map<string, Registered>()
  readonly #byFingerprint = new Map<number, KeyspaceDefinition>()

  constructor(config: KeyspacesConfig) {
    this.#config = config
  }

  all(): readonly Registered[] {
    return [...this.#byName.values()]
  }

  get definitions(): ReadonlyMap<number, KeyspaceDefinition> {
    return this.#byFingerprint
  }

  isConfirmed({ name }: KeyspaceDefinition): boolean {
    return this.#byName.get(name)?.confirmed === true
  }

  /** Takes a record of the replica's own. What is no definition is passed over. */
  load({ record }: RecordWrite): void {
    if (record.kind !== 'lww' || record.value === null) return
    const definition = parseDefinition(new TextDecoder().decode(record.value))
    if (definition !== undefined) this.#remember({ definition, confirmed: record.at > 0 })
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
    if (definition !== undefined && definition.name === name && replaces({ definition, confirmed }, registered)) {
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

  #register(registered: Registered, step: Step): void {
    const { definition, confirmed } = registered
    const before = this.#byName.get(definition.name)
    if (before !== undefined) this.#byFingerprint.delete(definitionFingerprint(before.definition))
    this.#remember(registered)
    if (before !== undefined && definitionText(before.definition) !== definitionText(definition)) {
      this.#config.redefined()
    }
    const value = new TextEncoder().encode(definitionText(definition))
    const record: StoredRecord = { kind: 'lww', op: 1, at: confirmed ? 1 : 0, value }
    step.writes.push({ keyspace: this.#config.ownKeyspace, key: definition.name, record })
    step.notices.push({ kind: 'keyspace', name: definition.name, confirmed })
  }

  #remember(registered: Registered): void {
    this.#byName.set(registered.definition.name, registered)
    this.#byFingerprint.set(definitionFingerprint(registered.definition), registered.definition)
  }
}

function replaces(offered: Registered, registered: Registered | undefined): boolean {
  if (registered === undefined) return true
  return offered.confirmed && !registered.confirmed
}
