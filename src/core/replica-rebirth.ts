/**
 * How an acceptor that lost its disk comes to vote again, and what the others remember so that it can.
 *
 * It has forgotten what it promised and what it accepted, and some of that may have been counted by proposers that are
 * still at work. So it gives its new life a number, its *birth*, and votes again once enough *witnesses* have done three
 * things, in this order:
 *
 * 1. The witness keeps the birth durably. From then on it answers no request of a round that does not know the birth
 *    (`isOutdated`). A round has one list of births from beginning to end, so votes of the earlier life never count
 *    beside what a witness does later.
 * 2. It tells the highest ballot that it has promised. The acceptor promises never to go below: its `floor`.
 * 3. It hands over, in an exchange that begins after that, all that it has accepted.
 *
 * Enough are so many that they meet every quorum of either phase, this acceptor left out, and that any two such sets
 * meet. Why that is safe, for a round with ballot b that counted a vote of the earlier life. If its first phase ended,
 * some witness had promised b before it kept the birth, so b lies below the floor, and nothing below b is ever accepted
 * here behind the back of that round. If its second phase ends, some witness had accepted b before it kept the birth, so
 * the exchange brought b here. What was taken over below the floor is handed on, but never counts as accepted by this
 * acceptor: a read that meets it proposes anew (`promisedOf`).
 *
 * A witness is an acceptor that votes itself, in the life in which it kept the birth; it counts in those keyspaces in
 * which it votes. What is known of the births and lives of others, of ballots, and of erased registers comes along from
 * each witness, so that it is not lost when the disks are lost one after the other.
 * Part of the replica machine: it shares its step. Ring: machines.
 */
import { compareBallots, higherBallot, isSameBallot, NO_BALLOT, type Ballot } from './base/ballot.ts'
import { birthOf, NO_BIRTHS, withBirth, type Births } from './births.ts'
import type { AcceptorTold, Life } from './message.ts'
import { indexOf, nameIn, type Membership } from './placement/membership.ts'
import type { RecordWrite, RegisterRecord, StoredRecord } from './record.ts'
import { numbersIn, numbersRecord } from './life-mark.ts'
import type { Floor } from './replica-floor.ts'
import type { Step } from './step.ts'

/** No keyspace has a name that begins like these. */
const OWN_KEY = '/acceptor'
const BOUND_KEY = '/promised'
const BIRTH_PREFIX = '/birth/'
const WITNESS_PREFIX = '/witness/'
/** Ballots are noted as promised by so many at a time. */
const BOUND_STRIDE = 256

export interface RebirthConfig {
  /** The index of this replica. */
  readonly index: number
  readonly life: Life
  readonly membership: Membership
  readonly floor: Floor
  readonly ownKeyspace: number
}

interface Witness {
  readonly birth: number
  readonly abstains: readonly number[]
}

/** Who announces a birth: 0 for a first life. */
export interface Announced {
  readonly incarnation: number
  readonly birth: number
}

export class Rebirth {
  readonly #config: RebirthConfig
  /** Of all members, this one's among them. */
  #births: Births = NO_BIRTHS
  /** By member: the incarnation that drew the birth. */
  readonly #incarnations = new Map<number, number>()
  /** By member: of which birth it is a witness, and in which keyspaces it is none. */
  readonly #witnesses = new Map<number, Witness>()
  /** Grows with each change of who is a witness of what. */
  changes = 0
  #floor: Ballot = NO_BALLOT
  /** No higher counter was promised here. */
  #bound = 0

  constructor(config: RebirthConfig) {
    this.#config = config
  }

  /** Takes a record of the replica's own. False when it is about something else. */
  load({ key, record }: RecordWrite): boolean {
    if (record.kind !== 'lww') return false
    if (key === BOUND_KEY) this.#bound = record.at
    else if (key === OWN_KEY) {
      const [counter = 0] = numbersIn(record)
      this.#births = withBirth(this.#births, this.#config.index, record.at)
      this.#floor = floorAt(counter)
    } else if (key.startsWith(BIRTH_PREFIX)) {
      const member = indexOf(this.#config.membership, key.slice(BIRTH_PREFIX.length))
      if (member < 0) return true
      const [incarnation = 0] = numbersIn(record)
      this.#births = withBirth(this.#births, member, record.at)
      this.#incarnations.set(member, incarnation)
    } else if (key.startsWith(WITNESS_PREFIX)) {
      const member = indexOf(this.#config.membership, key.slice(WITNESS_PREFIX.length))
      if (member >= 0) this.#witnesses.set(member, { birth: record.at, abstains: numbersIn(record) })
    } else return false
    return true
  }

  /** All that are known here. */
  get births(): Births {
    return this.#births
  }

  /** Of this replica; 0 in its first life. */
  get birth(): number {
    return birthOf(this.#births, this.#config.index)
  }

  /** Who has witnessed this birth for a keyspace, as a set of member indexes. */
  witnessesOf(keyspace: number): number {
    let members = 0
    for (const [member, { birth, abstains }] of this.#witnesses) {
      if (birth === this.birth && !abstains.includes(keyspace)) members |= 1 << member
    }
    return members
  }

  /** Whether this member would be a witness of more than it is, if it abstains from these alone. */
  wants(member: number, abstains: readonly number[]): boolean {
    const known = this.#witnesses.get(member)
    if (this.birth === 0) return false
    return known?.birth !== this.birth || known.abstains.some((keyspace) => !abstains.includes(keyspace))
  }

  /** What an earlier life may have promised for every register that has no leader. */
  get floor(): Ballot {
    return this.#floor
  }

  /** Whether a round that knows these births must not count what this acceptor says. */
  isOutdated(known: Births): boolean {
    const births = this.#births
    if (births.length === 0) return known.length > 0 && birthOf(known, this.#config.index) !== 0
    for (let i = 0; i < births.length; i += 2) {
      if (birthOf(known, births[i] as number) < (births[i + 1] as number)) return true
    }
    return birthOf(known, this.#config.index) !== this.birth
  }

  /** What to tell of as promised: more than the record knows of where it was taken over, and was not accepted here. */
  promisedOf({ promised, accepted }: RegisterRecord): Ballot {
    const isTaken = !isSameBallot(accepted, NO_BALLOT) && compareBallots(accepted, this.#floor) < 0
    return isTaken ? higherBallot(promised, this.#floor) : promised
  }

  /** A promise is about to be stored. */
  promise({ counter }: Ballot, step: Step): void {
    if (counter <= this.#bound) return
    this.#bound = counter + BOUND_STRIDE
    this.#keep(BOUND_KEY, numbersRecord(this.#bound, []), step)
  }

  /** This life of the replica is not the first: all that it has as an acceptor is to be witnessed, from now on. */
  begin(birth: number, step: Step): void {
    this.#births = withBirth(this.#births, this.#config.index, birth)
    this.#witnesses.clear()
    this.changes++
    this.#keepOwn(step)
  }

  /** Of a keyspace that is new here, an earlier life may have had something: nobody has witnessed anything of it. */
  unwitnessed(keyspace: number, step: Step): void {
    for (const [member, { birth, abstains }] of this.#witnesses) {
      if (birth !== this.birth || abstains.includes(keyspace)) continue
      this.#keepWitness(member, { birth, abstains: [...abstains, keyspace] }, step)
    }
  }

  /** Another member announces its life. Gives the birth that is kept of this very life now; 0 for none. */
  note(member: number, announced: Announced, step: Step): number {
    this.#learn(member, announced, step)
    return this.#incarnations.get(member) === announced.incarnation ? birthOf(this.#births, member) : 0
  }

  #learn(member: number, { incarnation, birth }: Announced, step: Step): void {
    const { index, membership } = this.#config
    const isMember = member !== index && member < membership.members.length
    if (!isMember || birth <= birthOf(this.#births, member)) return
    this.#births = withBirth(this.#births, member, birth)
    this.#incarnations.set(member, incarnation)
    this.#keep(BIRTH_PREFIX + nameIn(membership, member), numbersRecord(birth, [incarnation]), step)
  }

  /** What it tells whoever asks, after it has noted who that is. */
  tell(told: Pick<AcceptorTold, 'abstains' | 'kept' | 'lives'>): AcceptorTold {
    const { index, life, floor } = this.#config
    const { revision, forgottenAt } = floor.erased
    const births: number[] = []
    for (let i = 0; i < this.#births.length; i += 2) {
      const [member, birth] = [this.#births[i] as number, this.#births[i + 1] as number]
      births.push(member, birth, member === index ? life.incarnation : (this.#incarnations.get(member) ?? 0))
    }
    return { ...told, births, bound: this.#bound, revision, forgottenAt }
  }

  /** Another life of this member has been given this birth or a higher one: it needs one above. 0 if not. */
  missed({ births }: AcceptorTold): number {
    const { index, life } = this.#config
    const { birth } = this
    for (let i = 0; i < births.length; i += 3) {
      const told = births[i + 1] as number
      if (births[i] === index && births[i + 2] !== life.incarnation && birth > 0 && told >= birth) return told + 1
    }
    return 0
  }

  /** This member has done all three. */
  witnessed(member: number, told: AcceptorTold, step: Step): void {
    const { abstains, births, bound, revision, forgottenAt } = told
    const { floor } = this.#config
    const own = this.birth
    for (let i = 0; i + 3 <= births.length; i += 3) {
      const [other, birth, incarnation] = births.slice(i, i + 3) as [number, number, number]
      this.#learn(other, { birth, incarnation }, step)
    }
    this.#floor = higherBallot(this.#floor, floorAt(bound + 1))
    this.#bound = Math.max(this.#bound, this.#floor.counter)
    this.#keep(BOUND_KEY, numbersRecord(this.#bound, []), step)
    floor.raiseAll({ revision, forgottenAt }, step)
    this.#keepOwn(step)
    const known = this.#witnesses.get(member)
    // What it has witnessed stays witnessed, whatever became of it since.
    const isMore = known?.birth === own
    const none = isMore ? abstains.filter((keyspace) => known.abstains.includes(keyspace)) : abstains
    this.#keepWitness(member, { birth: own, abstains: none }, step)
  }

  #keepWitness(member: number, witness: Witness, step: Step): void {
    this.#witnesses.set(member, witness)
    this.changes++
    const id = nameIn(this.#config.membership, member)
    this.#keep(WITNESS_PREFIX + id, numbersRecord(witness.birth, witness.abstains), step)
  }

  #keepOwn(step: Step): void {
    this.#keep(OWN_KEY, numbersRecord(this.birth, [this.#floor.counter]), step)
  }

  #keep(key: string, record: StoredRecord, step: Step): void {
    step.writes.push({ keyspace: this.#config.ownKeyspace, key, record })
  }
}

/** Below every ballot that is drawn with this counter. */
function floorAt(counter: number): Ballot {
  return counter === 0 ? NO_BALLOT : { counter, proposer: 0, step: 0 }
}
