/**
 * Which of the others are witnesses of a replica that lost its disk, and in which keyspaces it votes again for that.
 *
 * What a witness is, and why so many are enough, is said in replica-rebirth.ts; what each of them has done, by peer, in
 * operation/acquaintance.ts. Part of the replica machine: it shares its step. Ring: machines.
 */
import type { Acquainted } from './message.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import { definitionFingerprint } from './keyspace-definition.ts'
import type { Acquaintance } from './operation/acquaintance.ts'
import type { CatchUps } from './operation/catch-up.ts'
import type { Keyspaces } from './replica-keyspaces.ts'
import type { Rebirth } from './replica-rebirth.ts'
import type { Step } from './step.ts'

export interface WitnessingConfig {
  readonly rebirth: Rebirth
  readonly keyspaces: Keyspaces
  /** By member. */
  readonly peers: readonly Acquaintance[]
  readonly catchUps: CatchUps
}

export class Witnessing {
  readonly #config: WitnessingConfig
  /** By definition, until anybody else is a witness. */
  readonly #done = new Map<KeyspaceDefinition, boolean>()
  #doneAt = 0

  constructor(config: WitnessingConfig) {
    this.#config = config
  }

  /** The keyspaces with registers in which this replica does not vote. */
  abstains(mayVote: (definition: KeyspaceDefinition) => boolean): readonly number[] {
    return this.#registers.flatMap(([fingerprint, definition]) => (mayVote(definition) ? [] : [fingerprint]))
  }

  get #registers(): readonly (readonly [fingerprint: number, KeyspaceDefinition])[] {
    return [...this.#config.keyspaces.definitions].filter(([, { mode }]) => mode === 'cp')
  }

  /** Whether enough have witnessed this life for a keyspace. */
  isDone(definition: KeyspaceDefinition): boolean {
    const { rebirth, catchUps } = this.#config
    if (this.#doneAt !== rebirth.changes) this.#done.clear()
    this.#doneAt = rebirth.changes
    let isDone = this.#done.get(definition)
    if (isDone === undefined) {
      isDone = catchUps.of(definition).isWitnessed(rebirth.witnessesOf(definitionFingerprint(definition)))
      this.#done.set(definition, isDone)
    }
    return isDone
  }

  get isDoneForAll(): boolean {
    return this.#registers.every(([, definition]) => this.isDone(definition))
  }

  /** Whether this member could be a witness of more than it is, by another exchange. */
  wants(member: number): boolean {
    const peer = this.#config.peers[member]
    return peer?.mayWitness === true && this.#config.rebirth.wants(member, peer.abstains)
  }

  /** A member told how it stands with this replica. Whether it is a witness now, of more than before. */
  answered({ acceptor }: Acquainted, member: number, step: Step): boolean {
    const { rebirth, peers } = this.#config
    const above = rebirth.missed(acceptor)
    if (above > 0) this.begin(above, step)
    else if (peers[member]?.isWitness === true && rebirth.wants(member, acceptor.abstains)) {
      rebirth.witnessed(member, acceptor, step)
      return true
    }
    return false
  }

  /** All that this replica has as an acceptor is to be witnessed from now on, under a birth of at least so much. */
  begin(birth: number, step: Step): void {
    const { rebirth, peers } = this.#config
    rebirth.begin(Math.max(birth, rebirth.birth + 1), step)
    for (const peer of peers) {
      peer.forgetWitness()
      peer.askedAtMs = -Infinity
    }
  }
}
