/**
 * What a replica remembers of the lives of the other members, durably: of each the one with the highest mark.
 *
 * It is told so by each of them, when it asks or is asked; and by the witnesses of its own birth, of all whom they know.
 * So what was once known of a member is not lost when those who knew it lose their disks, one after the other.
 * Part of the replica machine: it shares its step. Ring: machines.
 */
import { lifeWrite, NO_LIFE, readLifeMark, type LifeMark } from './life-mark.ts'
import { indexOf, nameIn, type Membership } from './placement/membership.ts'
import type { RecordWrite } from './record.ts'
import type { Step } from './step.ts'

export interface LivesConfig {
  /** The index of this replica. */
  readonly index: number
  readonly membership: Membership
  readonly ownKeyspace: number
}

/** Numbers of one member in a list. */
const SIZE = 5

export class Lives {
  readonly #config: LivesConfig
  readonly #known = new Map<number, LifeMark>()

  constructor(config: LivesConfig) {
    this.#config = config
  }

  /** Takes a record of the replica's own. False when it is about something else. */
  load(write: RecordWrite): boolean {
    const read = readLifeMark(write)
    const member = read === undefined ? -1 : indexOf(this.#config.membership, read.memberId)
    if (read !== undefined && member >= 0) this.#known.set(member, read.life)
    return read !== undefined
  }

  of(member: number): LifeMark {
    return this.#known.get(member) ?? NO_LIFE
  }

  /** This life of a member is known now, if its mark is higher than what was. */
  remember(member: number, { incarnation, run, mark, hadAnother }: LifeMark, step: Step): void {
    const before = this.of(member)
    if (mark <= before.mark || member === this.#config.index) return
    const isOther = before.mark > 0 && before.incarnation !== incarnation
    const had = isOther || before.hadAnother === true || hadAnother === true
    const life: LifeMark = { incarnation, run, mark, ...(had && { hadAnother: true }) }
    this.#known.set(member, life)
    const { ownKeyspace, membership } = this.#config
    step.writes.push(lifeWrite(ownKeyspace, nameIn(membership, member), life))
  }

  /** All of them, and this replica's own, as numbers. */
  list(own: LifeMark): readonly number[] {
    const { index } = this.#config
    return [...this.#known, [index, own] as const].flatMap(([member, { incarnation, run, mark, hadAnother }]) => [
      member,
      incarnation,
      run,
      mark,
      hadAnother === true ? 1 : 0,
    ])
  }

  /** Another replica's list, or what it says of one member. */
  learn(list: readonly number[], step: Step, only?: number): void {
    for (let i = 0; i + SIZE <= list.length; i += SIZE) {
      if (only !== undefined && list[i] !== only) continue
      const [member, incarnation, run, mark, had] = list.slice(i, i + SIZE) as [number, number, number, number, number]
      if (member >= this.#config.membership.members.length) continue
      this.remember(member, { incarnation, run, mark, ...(had === 1 && { hadAnother: true as const }) }, step)
    }
  }
}
