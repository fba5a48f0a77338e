/** What an acceptor keeps of the births of others, and what it holds to after its own. */
import { describe, expect, test } from 'vitest'
import { EMPTY_REGISTER } from '../../src/core/consensus/acceptor.ts'
import type { RecordWrite } from '../../src/core/record.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import { Floor } from '../../src/core/replica-floor.ts'
import { Rebirth } from '../../src/core/replica-rebirth.ts'
import { OWN_KEYSPACE } from '../../src/core/replica.ts'
import { Step } from '../../src/core/step.ts'

const MEMBERS = membershipOf(['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, zone: '' })))
const SELF = 2
const PEER = 0
const KEYSPACE = 77
const LIFE = 9
const TOLD = { abstains: [], kept: 0, births: [], lives: [], bound: 0, revision: 0, forgottenAt: 0 }
const ASKED = { abstains: [], kept: 0, lives: [] }

/** Acceptor c over what was written; each change is kept as on a disk. */
class Bench {
  readonly disk = new Map<string, RecordWrite>()
  rebirth: Rebirth
  floor: Floor

  constructor() {
    ;[this.rebirth, this.floor] = this.#open()
  }

  act<T>(run: (rebirth: Rebirth, step: Step) => T): T {
    const step = new Step()
    const result = run(this.rebirth, step)
    for (const { keyspace, key, record } of step.writes) {
      if (record !== undefined) this.disk.set(key, { keyspace, key, record })
    }
    return result
  }

  restart(): void {
    ;[this.rebirth, this.floor] = this.#open()
  }

  #open(): [Rebirth, Floor] {
    const floor = new Floor(OWN_KEYSPACE)
    const rebirth = new Rebirth({
      index: SELF,
      life: { incarnation: LIFE, run: 1 },
      membership: MEMBERS,
      floor,
      ownKeyspace: OWN_KEYSPACE,
    })
    for (const write of this.disk.values()) if (!rebirth.load(write)) floor.load(write)
    return [rebirth, floor]
  }
}

describe('a witness', () => {
  test('keeps the highest birth of each member, over a restart, and says whether it is of the life that asks', () => {
    const bench = new Bench()
    const note = (incarnation: number, birth: number): number =>
      bench.act((rebirth, step) => rebirth.note(PEER, { incarnation, birth }, step))
    expect([note(1, 0), note(2, 5), note(2, 5), note(3, 5), note(3, 4)]).toEqual([0, 5, 5, 0, 0])
    bench.restart()
    expect([note(2, 5), note(3, 5), note(3, 6), note(2, 5)]).toEqual([5, 0, 6, 0])
    expect(bench.rebirth.tell(ASKED).births).toEqual([PEER, 6, 3])
  })

  test('answers no round that does not know a birth that it keeps', () => {
    const bench = new Bench()
    expect(bench.rebirth.isOutdated([])).toBe(false)
    bench.act((rebirth, step) => rebirth.note(PEER, { incarnation: 2, birth: 5 }, step))
    const isOutdated = (births: readonly number[]): boolean => bench.rebirth.isOutdated(births)
    expect([[], [PEER, 4], [PEER, 5], [PEER, 6], [1, 9, 3, 4]].map((births) => isOutdated(births))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ])
  })

  test('tells no less than it has promised, over a restart', () => {
    const bench = new Bench()
    for (const counter of [3, 900, 12]) {
      bench.act((rebirth, step) => rebirth.promise({ counter, proposer: 1, step: 0 }, step))
    }
    bench.restart()
    expect(bench.rebirth.tell(ASKED).bound).toBeGreaterThanOrEqual(900)
  })
})

describe('an acceptor that was born again', () => {
  /** With a birth of 8, witnessed by one who has promised up to 40. */
  function reborn(): Bench {
    const bench = new Bench()
    bench.act((rebirth, step) => rebirth.begin(8, step))
    bench.act((rebirth, step) =>
      rebirth.witnessed(
        PEER,
        { ...TOLD, births: [1, 3, 77, SELF, 7, LIFE, 31, 4, 4], bound: 40, revision: 6, forgottenAt: 9 },
        step,
      ),
    )
    return bench
  }

  test('takes part in rounds that know its birth, and in no others', () => {
    const bench = reborn()
    expect([[], [1, 3], [1, 3, SELF, 7], [1, 3, SELF, 9]].every((births) => bench.rebirth.isOutdated(births))).toBe(
      true,
    )
    expect(bench.rebirth.isOutdated([1, 3, SELF, 8])).toBe(false)
  })

  test('promises nothing below what its witnesses have promised, and says no less to others; over a restart', () => {
    const bench = reborn()
    bench.restart()
    expect(bench.rebirth.floor.counter).toBe(41)
    expect(bench.rebirth.tell(ASKED).bound).toBeGreaterThanOrEqual(41)
    expect(bench.rebirth.births).toEqual([1, 3, SELF, 8])
    expect(bench.rebirth.witnessesOf(KEYSPACE)).toBe(1 << PEER)
    expect(bench.floor.registerOf(KEYSPACE)).toMatchObject({ state: { revision: 6, forgottenAt: 9 } })
  })

  test('what it took over below counts as promised to others: a read of it has to be settled', () => {
    const { rebirth } = reborn()
    const at = (counter: number) => ({ counter, proposer: 5, step: 0 })
    const promised = (counter: number): number =>
      rebirth.promisedOf({ ...EMPTY_REGISTER, promised: at(counter), accepted: at(counter) }).counter
    expect([promised(3), promised(40), promised(41), promised(60)]).toEqual([41, 41, 41, 60])
    expect(rebirth.promisedOf(EMPTY_REGISTER)).toBe(EMPTY_REGISTER.promised)
  })

  test('that hears of a birth of its own that is not from this life needs one above it', () => {
    const { rebirth } = reborn()
    const missed = (...births: number[]): number => rebirth.missed({ ...TOLD, births })
    expect([missed(), missed(SELF, 8, LIFE), missed(SELF, 7, 4), missed(SELF, 8, 4), missed(SELF, 11, 4)]).toEqual([
      0, 0, 0, 9, 12,
    ])
  })

  test('what it learns of others it knows as well as they do: whoever asks under that birth is told that it is kept', () => {
    const bench = reborn()
    bench.restart()
    expect(bench.act((rebirth, step) => rebirth.note(1, { incarnation: 77, birth: 3 }, step))).toBe(3)
    expect(bench.act((rebirth, step) => rebirth.note(1, { incarnation: 78, birth: 3 }, step))).toBe(0)
  })

  test('a new birth is witnessed anew; what a witness has given stays, whatever it abstains from later', () => {
    const bench = reborn()
    bench.act((rebirth, step) => rebirth.witnessed(PEER, { ...TOLD, abstains: [KEYSPACE] }, step))
    expect(bench.rebirth.witnessesOf(KEYSPACE)).toBe(1 << PEER)
    bench.act((rebirth, step) => rebirth.unwitnessed(KEYSPACE, step))
    expect([bench.rebirth.witnessesOf(KEYSPACE), bench.rebirth.witnessesOf(78)]).toEqual([0, 1 << PEER])
    bench.restart()
    expect([bench.rebirth.witnessesOf(KEYSPACE), bench.rebirth.witnessesOf(78)]).toEqual([0, 1 << PEER])
    bench.act((rebirth, step) => rebirth.begin(20, step))
    expect(bench.rebirth.witnessesOf(78)).toBe(0)
  })
})
