/**
 * The quorum margin: how many more replicas may fail, whichever they are, until some key can no longer be read or written.
 *
 * It is counted from the replicas that can be reached from here now, for the key that is worst off. 0 says that the next
 * failure may be one too many, and -1 that there are keys for which it was.
 */
import type { Coordinator } from '../../core/coordinator.ts'
import { Keyspace } from '../../core/operation/keyspace.ts'
import { definitionText, type KeyspaceDefinition } from '../../core/keyspace-definition.ts'
import type { Membership } from '../../core/placement/membership.ts'
import { QuorateError } from '../../core/base/errors.ts'

/**
 * By what is asked: reads and writes at the keyspace's own quorums, and for AP keyspaces calls at levels of these names.
 * For registers `read` and `write` are the two phases of a round, and a change needs both.
 */
export type Margins = Readonly<Partial<Record<Asked, number>>>

type Asked = 'read' | 'write' | (typeof LEVELS)[number]

const LEVELS = ['one', 'quorum', 'all'] as const

export interface MarginsConfig {
  readonly coordinator: Coordinator
  readonly membership: Membership
  readonly zone: string
}

/** There is no way to unregister a keyspace, so this grows with them; names come from the application. */
const KEYSPACES_MAX = 1_024

export class MarginGauge {
  readonly #config: MarginsConfig
  readonly #keyspaces = new Map<string, Keyspace | undefined>()

  constructor(config: MarginsConfig) {
    this.#config = config
  }

  /** Nothing for a keyspace whose quorums this place cannot form, such as one of a zone without replicas. */
  of(definition: KeyspaceDefinition, nowMs: number): Margins | undefined {
    const keyspace = this.#keyspace(definition)
    if (keyspace === undefined) return undefined
    const { peers } = this.#config.coordinator
    const levels = definition.mode === 'ap' ? LEVELS : []
    const margins: Partial<Record<Asked, number>> = {}
    for (const list of keyspace.coveringLists()) {
      const usable = list.replicas.reduce((mask, replica, position) => {
        return peers.usable(replica, nowMs) ? mask | (1 << position) : mask
      }, 0)
      const least = (asked: Asked, spare: number): void => {
        margins[asked] = Math.min(margins[asked] ?? Infinity, spare)
      }
      least('read', keyspace.readChoice(list, undefined).quorum.spare(usable))
      least('write', keyspace.writeChoice(list, undefined).quorum.spare(usable))
      for (const level of levels) {
        least(level, keyspace.readChoice(list, level).quorum.spare(usable))
      }
    }
    return margins
  }

  #keyspace(definition: KeyspaceDefinition): Keyspace | undefined {
    const text = definitionText(definition)
    if (this.#keyspaces.has(text)) return this.#keyspaces.get(text)
    if (this.#keyspaces.size >= KEYSPACES_MAX) this.#keyspaces.clear()
    const { membership, zone } = this.#config
    const resolved = { definition, repair: undefined, timeoutMs: undefined }
    const keyspace = new Keyspace(resolved, { membership, zone, timeoutMs: 1 })
    const usable = canBeFormed(keyspace) ? keyspace : undefined
    this.#keyspaces.set(text, usable)
    return usable
  }
}

function canBeFormed(keyspace: Keyspace): boolean {
  try {
    for (const list of keyspace.coveringLists()) {
      keyspace.readChoice(list, undefined)
      keyspace.writeChoice(list, undefined)
    }
    return true
  } catch (error) {
    if (error instanceof QuorateError) return false
    throw error
  }
}
