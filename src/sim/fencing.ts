/**
 * Whether an acceptor keeps what its vote for a leader promises: nothing of one before him is accepted any more.
 */
import { groupName, groupOfKey } from '../core/consensus/group.ts'
import type { Accept, LocalMessage } from '../core/message.ts'
import type { KeyspaceDefinition } from '../core/keyspace-definition.ts'
import type { RecordChange } from '../core/record.ts'

export class Fencing {
  readonly problems: string[] = []
  readonly #group: string
  readonly #isLed: boolean
  /** Of the leader whom this replica voted for last. */
  #generation = 0

  constructor({ name, leader }: KeyspaceDefinition) {
    this.#group = groupName('keyspace', name)
    this.#isLed = leader === true
  }

  /** Something is written here. */
  wrote({ key, record }: RecordChange): void {
    if (groupOfKey(key) === this.#group && record?.kind === 'lww') this.#generation = record.at
  }

  /** What was said when somebody wanted something accepted. */
  answered({ ballot, id }: Accept, messages: readonly LocalMessage[]): void {
    if (!this.#isLed || ballot.counter >= this.#generation) return
    if (!messages.some((message) => message.kind === 'accepted' && message.id === id)) return
    this.problems.push(`it accepted in generation ${ballot.counter}, and had voted in ${this.#generation}`)
  }
}
