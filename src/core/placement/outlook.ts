/**
 * What the states of single replicas come to: whether a majority can be reached, and which links seem to be broken.
 *
 * From here a partition and a crash look alike, so it is never more than a suspicion, and nothing is decided by it. What is
 * heard and does not answer is told apart: then the link there is broken, and the one back is not.
 * Ring: decisions.
 */
import type { BrokenLink, Notice, Reachability } from '../notice.ts'
import { majorityOf } from '../quorum/quorum.ts'

export class Outlook {
  readonly #names: readonly string[]
  /** Replicas that were reached once: before that, nothing is broken. */
  readonly #known = new Set<number>()
  #hasQuorum = false
  #told = ''

  constructor(names: readonly string[]) {
    this.#names = names
  }

  /** A replica's state has changed. Gives what there is to tell. */
  look(states: readonly Reachability[]): Notice[] {
    const notices: Notice[] = []
    const links: BrokenLink[] = []
    let reached = 0
    for (const [replica, state] of states.entries()) {
      if (state === 'reachable' || state === 'late') {
        reached++
        this.#known.add(replica)
      } else if (this.#known.has(replica)) {
        links.push({ replica: this.#names[replica] as string, broken: state === 'one-way' ? 'there' : 'both' })
      }
    }
    const { length: members } = states
    const hasQuorum = reached >= majorityOf(members)
    if (hasQuorum !== this.#hasQuorum) {
      this.#hasQuorum = hasQuorum
      notices.push({ kind: 'quorum', state: hasQuorum ? 'regained' : 'lost', reached, members })
    }
    const text = links.map(({ replica, broken }) => `${replica} ${broken}`).join()
    if (text !== this.#told) notices.push({ kind: 'partition', links })
    this.#told = text
    return notices
  }
}
