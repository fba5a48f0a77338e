/**
 * The four incorrect approaches of note 0, section 2, each reproduced on purpose as the note has it. None of this is
 * how to do it.
 */
import { ModelNode, type ModelMessage, type Told } from './model-cluster.ts'

const YES: Told = { ok: true }
const NOT_PRIMARY: Told = { ok: false, reason: 'not primary' }

/** Approach 1, failover by timeout without a quorum: who has not heard from the primary for 5 s promotes itself. */
export class TimeoutFailover extends ModelNode {
  #isPrimary = this.index === 0

  override tick(): void {
    if (!this.#isPrimary && !this.isAlive(0)) this.#isPrimary = true
    super.tick()
  }

  serves(): Told {
    return this.#isPrimary ? YES : NOT_PRIMARY
  }
}

/** Which node is the primary, for whoever asks: the first of those that are alive, as this node sees it. */
abstract class FirstAliveIsPrimary extends ModelNode {
  protected get isPrimary(): boolean {
    return this.alive[0] === this.index
  }
}

/** Approach 2, a quorum that is checked and not enforced. */
export class QuorumLogged extends FirstAliveIsPrimary {
  /** What the note prints. */
  readonly log: string[] = []

  serves(): Told {
    if (!this.isPrimary) return NOT_PRIMARY
    this.log.push(this.alive.length >= this.quorum ? 'have quorum, writing' : 'no quorum, but writing anyway')
    return YES
  }
}

/**
 * Approach 3, a quorum of nodes that seem to be reachable, with no check for a split: nobody promised anything to the
 * one who counts them, so two may count the same node.
 */
export class ReachableQuorum extends FirstAliveIsPrimary {
  serves(): Told {
    if (this.alive.length < this.quorum) return { ok: false, reason: 'cannot write, no quorum' }
    return this.isPrimary ? YES : NOT_PRIMARY
  }
}

/**
 * Approach 3 as its listing counts: `aliveNodes.size + 1`, where the set has the node itself in it already. An isolated
 * node of three counts two.
 */
export class QuorumCountedTwice extends FirstAliveIsPrimary {
  serves(): Told {
    if (this.alive.length + 1 < this.quorum) return { ok: false, reason: 'cannot write, no quorum' }
    return this.isPrimary ? YES : NOT_PRIMARY
  }
}

/**
 * Approach 4, an old primary that nobody fences. The new one is elected well, by votes of a majority in a higher
 * generation, each node voting once in each; but the old one never asks anybody, and replicas take what they are given.
 */
export class GenerationUnchecked extends ModelNode {
  protected override generation = 1
  #isPrimary = this.index === 0
  #votedIn = 1
  readonly #votes = new Set<number>()

  override tick(): void {
    const isNext = !this.isAlive(0) && this.alive[0] === this.index
    if (isNext && !this.#isPrimary && this.#votedIn === this.generation) {
      this.#votedIn++
      this.#votes.clear()
      this.#votes.add(this.index)
      for (const other of this.others) this.say(other, { kind: 'open', generation: this.#votedIn })
    }
    super.tick()
  }

  serves(): Told {
    return this.#isPrimary ? YES : NOT_PRIMARY
  }

  protected override voting({ kind, generation }: ModelMessage, from: number): void {
    if (kind === 'open' && generation > this.#votedIn && !this.isAlive(0)) {
      this.#votedIn = generation
      this.say(from, { kind: 'opened', generation })
    }
    if (kind !== 'opened' || generation !== this.#votedIn) return
    this.#votes.add(from)
    if (this.#votes.size < this.quorum) return
    this.#isPrimary = true
    this.generation = generation
  }
}
