/**
 * The judges' rules once more, straight from their sentences: every pair is looked at, nothing is remembered. They
 * share no code with the judges, and say only whether a rule is broken.
 *
 * They understand histories whose lines stand in order of time and whose writes are not retried.
 */
import type { Guarantee, ApLine } from '../../src/check/index.ts'

interface Put {
  readonly value: string
  readonly f: 'put' | 'delete'
  readonly saw: readonly string[]
  readonly session: string | undefined
  readonly begins: number
  readonly startedAt: number
  outcome: 'ok' | 'fail' | 'info'
  strict: boolean
  ends: number
  endedAt: number
}

interface Shown {
  readonly values: readonly string[]
  readonly session: string | undefined
  readonly strict: boolean
  readonly begins: number
  readonly ends: number
  readonly startedAt: number
}

/** What a set of writes requires of an answer. */
interface Demands {
  readonly missed: boolean
  readonly superseded: boolean
}

export class NaiveKey {
  readonly writes: Put[] = []
  readonly gets: Shown[] = []
  readonly finals: Shown[] = []
  readonly #promises = new Map<string, readonly Guarantee[]>()
  readonly #lww: boolean
  readonly #skewNs: number

  constructor(at: { history: readonly ApLine[]; key: string; lww: boolean; skewNs: number }) {
    this.#lww = at.lww
    this.#skewNs = at.skewNs
    const open = new Map<number, Put | Extract<ApLine, { f: 'get' }>>()
    const openAt = new Map<number, number>()
    for (const [place, line] of at.history.entries()) {
      if (line.type === 'session') this.#promises.set(line.session, line.guarantees)
      else if (line.key === at.key) this.#take({ line, place, open, openAt })
    }
  }

  #take(at: {
    readonly line: Exclude<ApLine, { type: 'session' }>
    readonly place: number
    readonly open: Map<number, Put | Extract<ApLine, { f: 'get' }>>
    readonly openAt: Map<number, number>
  }): void {
    const { line, place, open, openAt } = at
    if (line.type === 'final') {
      const never = { begins: Infinity, ends: Infinity, startedAt: Infinity }
      this.finals.push({ values: line.value, session: undefined, strict: false, ...never })
    } else if (line.type === 'invoke' && line.f === 'get') {
      open.set(line.process, line)
      openAt.set(line.process, place)
    } else if (line.type === 'invoke') {
      const write: Put = {
        value: line.value,
        f: line.f,
        saw: line.saw ?? [],
        session: line.session,
        begins: place,
        startedAt: line.time,
        outcome: 'info',
        strict: line.strict ?? false,
        ends: Infinity,
        endedAt: Infinity,
      }
      this.writes.push(write)
      open.set(line.process, write)
    } else {
      this.#complete(line, place, open.get(line.process), openAt.get(line.process) ?? 0)
    }
  }

  #complete(
    line: Extract<ApLine, { type: 'ok' | 'fail' | 'info' }>,
    place: number,
    started: Put | Extract<ApLine, { f: 'get' }> | undefined,
    begins: number,
  ): void {
    if (started === undefined) return
    if ('type' in started) {
      if (line.type !== 'ok' || line.f !== 'get') return
      const { session, strict = false, time: startedAt } = started
      this.gets.push({ values: line.value, session, strict, begins, ends: place, startedAt })
      return
    }
    started.outcome = line.type
    if (line.type !== 'ok') return
    started.ends = place
    started.endedAt = line.time
  }

  get #answers(): Shown[] {
    return [...this.gets, ...this.finals]
  }

  #named(value: string): Put | undefined {
    return this.writes.find((write) => write.value === value && write.outcome !== 'fail')
  }

  #puts(answer: Shown): Put[] {
    const named = answer.values.map((value) => this.#named(value))
    return named.filter((write) => write?.f === 'put') as Put[]
  }

  #saw(later: Put, earlier: Put): boolean {
    return later.saw.some((value) => {
      const seen = this.#named(value)
      if (seen === undefined || seen.begins >= later.begins) return false
      return seen === earlier || this.#saw(seen, earlier)
    })
  }

  #holds(answer: Shown, put: Put): boolean {
    if (this.#puts(answer).some((shown) => shown === put || this.#saw(shown, put))) return true
    return this.writes.some(
      (write) =>
        write.f === 'delete' && write.outcome !== 'fail' && write.begins < answer.ends && this.#saw(write, put),
    )
  }

  #isOlder(older: Put, newer: Put): boolean {
    return this.#saw(newer, older) || older.endedAt + this.#skewNs < newer.startedAt
  }

  #demands(known: readonly Put[], answer: Shown): Demands {
    const shown = this.#puts(answer)
    const replaced = (write: Put): boolean =>
      known.some((by) => (this.#lww ? this.#isOlder(write, by) : this.#saw(by, write)))
    const superseded = shown.some((write) => replaced(write))
    if (!this.#lww) return { missed: known.some((put) => put.f === 'put' && !this.#holds(answer, put)), superseded }
    const mayBeEmpty = this.writes.some(
      (write) => write.f === 'delete' && write.outcome !== 'fail' && write.begins < answer.ends && !replaced(write),
    )
    const missed =
      answer.values.length === 0
        ? known.length > 0 && !mayBeEmpty
        : shown.length > 0 && shown.every((write) => replaced(write))
    return { missed, superseded }
  }

  #strictlyAcked(before: number): Put[] {
    return this.writes.filter((write) => write.strict && write.ends < before)
  }

  get invented(): boolean {
    return this.#answers.some((answer) =>
      answer.values.some((value) => {
        const put = this.#named(value)
        return put?.f !== 'put' || put.begins > answer.ends
      }),
    )
  }

  get dominated(): boolean {
    return this.#answers.some((answer) => {
      const puts = this.#puts(answer)
      if (this.#lww && answer.values.length > 1) return true
      return new Set(answer.values).size < answer.values.length || puts.some((a) => puts.some((b) => this.#saw(a, b)))
    })
  }

  get lost(): boolean {
    const acked = this.writes.filter(({ outcome }) => outcome === 'ok')
    return this.finals.some((final) => this.#demands(acked, final).missed)
  }

  get resurrected(): boolean {
    const acked = this.writes.filter(({ outcome }) => outcome === 'ok')
    const strict = this.gets.filter((get) => get.strict)
    return (
      this.finals.some((final) => this.#demands(acked, final).superseded) ||
      strict.some((get) => this.#demands(this.#strictlyAcked(get.begins), get).superseded)
    )
  }

  get stale(): boolean {
    return this.gets.some((get) => get.strict && this.#demands(this.#strictlyAcked(get.begins), get).missed)
  }

  get backwards(): boolean {
    const strict = this.gets.filter((get) => get.strict)
    return this.#runsBackwards(strict, (before) => this.#strictlyAcked(before))
  }

  #runsBackwards(reads: readonly Shown[], acked: (before: number) => readonly Put[]): boolean {
    const shownBefore = (rank: number): Put[] =>
      reads.filter(({ ends }) => ends < rank).flatMap((read) => this.#puts(read))
    return reads.some((late) => {
      const { missed, superseded } = this.#demands(shownBefore(late.begins), late)
      if (missed || superseded) return true
      return reads.some((early) => {
        if (early.ends >= late.begins) return false
        const there = [...shownBefore(early.begins), ...acked(early.begins)]
        if (this.#demands(there, early).missed) return false
        return this.#puts(late).some((put) => there.includes(put) && !early.values.includes(put.value))
      })
    })
  }

  /** Whether some session's guarantee is broken. */
  get sessionBroken(): boolean {
    return [...this.#promises].some(([session, guarantees]) =>
      guarantees.some((guarantee) => this.#breaks(session, guarantee, guarantees.includes('ryw'))),
    )
  }

  #breaks(session: string, guarantee: Guarantee, readsOwnWrites: boolean): boolean {
    const reads = this.gets.filter((get) => get.session === session)
    const writes = this.writes.filter((write) => write.session === session)
    if (guarantee === 'mr') return this.#runsBackwards(reads, () => [])
    if (guarantee === 'ryw') {
      return reads.some((read) => {
        const { missed, superseded } = this.#demands(
          writes.filter(({ ends }) => ends < read.begins),
          read,
        )
        return missed || superseded
      })
    }
    return writes.some((write) => {
      const before = (
        guarantee === 'mw'
          ? writes.filter(({ ends }) => ends < write.begins)
          : reads.filter(({ ends }) => ends < write.begins).flatMap((read) => this.#puts(read))
      ).filter((prior) => prior !== write)
      if (write.outcome === 'fail') return false
      if (this.#lww) return this.#losesTo(write, before, readsOwnWrites ? reads : [])
      return this.#answers.some((answer) => {
        if (!this.#puts(answer).includes(write)) return false
        const unseen = before.filter((prior) => !this.#saw(write, prior))
        return unseen.some(
          (prior) =>
            (prior.f === 'put' && !this.#holds(answer, prior)) ||
            this.#puts(answer).some((shown) => this.#saw(prior, shown)),
        )
      })
    })
  }

  #losesTo(write: Put, before: readonly Put[], own: readonly Shown[]): boolean {
    return this.#answers.some((answer) => {
      if (!this.#puts(answer).some((shown) => before.includes(shown))) return false
      const isFree = answer.begins < Infinity && !own.includes(answer)
      const ends = isFree && (!answer.strict || !write.strict) ? Infinity : write.ends
      return ends < answer.begins
    })
  }

  /** For each get that could be stale, how many acknowledged writes it missed and since when it could have known. */
  get missed(): { readonly versions: number; readonly behindNs: number }[] {
    const missed: { versions: number; behindNs: number }[] = []
    for (const get of this.gets) {
      const acked = this.writes.filter(({ ends }) => ends < get.begins)
      if (acked.length === 0 || (this.#lww && get.values.length > 0 && this.#puts(get).length === 0)) continue
      const lacking = acked.filter((write) => (this.#lww ? this.#isNewer(write, get) : this.#lacks(get, write)))
      const oldest = Math.min(...lacking.map(({ endedAt }) => endedAt))
      missed.push({ versions: lacking.length, behindNs: lacking.length === 0 ? 0 : get.startedAt - oldest })
    }
    return missed
  }

  #lacks(get: Shown, write: Put): boolean {
    if (write.f === 'put') return !this.#holds(get, write)
    const shown = this.#puts(get)
    return shown.some((put) => this.#saw(write, put)) && !shown.some((put) => this.#saw(put, write))
  }

  #isNewer(write: Put, get: Shown): boolean {
    const deletes = this.writes.filter(
      ({ f, outcome, begins }) => f === 'delete' && outcome !== 'fail' && begins < get.ends,
    )
    const shown = get.values.length === 0 ? deletes : this.#puts(get)
    return shown.every(({ endedAt }) => endedAt + this.#skewNs < write.startedAt)
  }
}
