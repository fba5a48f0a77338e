/** One fault put into the history of a store that does right: the judge whose matter it is must catch every one. */
import { expect, test } from 'vitest'
import { checkApHistory, type ApLine, type JudgeName } from '../../src/check/index.ts'
import { Choices } from './choices.ts'
import { ModelStore } from './model-store.ts'

type FinalLine = Extract<ApLine, { type: 'final' }>
type OkGetLine = Extract<ApLine, { type: 'ok'; f: 'get' }>

/** Where a fault can be put: a line, and what it shows from then on. */
interface Fault {
  readonly line: FinalLine | OkGetLine
  readonly value: readonly string[]
}

class Scene {
  readonly lines: readonly ApLine[]
  readonly finals: readonly FinalLine[]
  /** Strict gets with the place of their invoke. */
  readonly gets: readonly { readonly line: OkGetLine; readonly begins: number }[]
  /** Places of acknowledgements by value. */
  readonly acked = new Map<string, number>()
  /** The same for strict ones. */
  readonly strictlyAcked = new Map<string, number>()
  /** Values that some context covers. */
  readonly seen: ReadonlySet<string>
  /** Values that a context of an acknowledged write of the key covers. */
  readonly replaced: readonly { readonly key: string; readonly value: string }[]

  constructor(lines: readonly ApLine[]) {
    this.lines = lines
    this.finals = lines.filter((line) => line.type === 'final')
    const invokes = new Map<number, number>()
    const gets: { line: OkGetLine; begins: number }[] = []
    const replaced: { key: string; value: string }[] = []
    for (const [place, line] of lines.entries()) {
      if (line.type === 'session' || line.type === 'final') continue
      const begins = invokes.get(line.process) ?? 0
      const invoke = lines[begins]
      if (line.type === 'invoke') invokes.set(line.process, place)
      else if (line.type === 'ok' && line.f === 'get') gets.push({ line, begins })
      if (line.type !== 'ok' || invoke?.type !== 'invoke' || invoke.f === 'get') continue
      this.acked.set(invoke.value, this.acked.get(invoke.value) ?? place)
      if (invoke.strict === true) this.strictlyAcked.set(invoke.value, this.strictlyAcked.get(invoke.value) ?? place)
      for (const value of invoke.saw ?? []) replaced.push({ key: line.key, value })
    }
    this.gets = gets.filter(({ begins }) => {
      const invoke = lines[begins]
      return invoke?.type === 'invoke' && invoke.strict === true
    })
    this.replaced = replaced.filter(({ value }) => value.startsWith('put'))
    this.seen = new Set(lines.flatMap((line) => (line.type === 'invoke' ? (line.saw ?? []) : [])))
  }

  placeOf(line: ApLine): number {
    return this.lines.indexOf(line)
  }
}

const without = (line: FinalLine | OkGetLine, gone: string): Fault => ({
  line,
  value: line.value.filter((value) => value !== gone),
})

/** All places where the fault must be noticed. Values that nobody saw cannot have been replaced. */
const FAULTS: readonly (readonly [string, JudgeName, (scene: Scene) => Fault[]])[] = [
  [
    'a final drops an acknowledged value',
    'noLostWrites',
    ({ finals, acked, seen }) =>
      finals.flatMap((line) => {
        const values = line.value.filter((value) => acked.has(value) && !seen.has(value))
        return values.map((value) => without(line, value))
      }),
  ],
  ['a final shows a value twice', 'noDominated', ({ finals }) => shown(finals).map((line) => twice(line))],
  [
    'a get shows a value twice',
    'noDominated',
    ({ gets }) => shown(gets.map(({ line }) => line)).map((line) => twice(line)),
  ],
  [
    'a final makes up a value',
    'noInvented',
    ({ finals }) => finals.map((line) => ({ line, value: [...line.value, 'made up'] })),
  ],
  [
    'a final shows the values of another key',
    'noInvented',
    ({ finals }) =>
      finals.flatMap((line) =>
        shown(finals.filter(({ key }) => key !== line.key)).map(({ value }) => ({ line, value })),
      ),
  ],
  [
    'a final brings a replaced value back',
    'noResurrection',
    ({ finals, replaced }) =>
      finals.flatMap((line) => {
        const values = replaced.filter(({ key }) => key === line.key)
        return values.map(({ value }) => ({ line, value: [...line.value, value] }))
      }),
  ],
  [
    'a strict get leaves out an acknowledged value',
    'strictRegular',
    ({ gets, strictlyAcked, seen }) =>
      gets.flatMap(({ line, begins }) => {
        const values = line.value.filter((value) => !seen.has(value) && (strictlyAcked.get(value) ?? Infinity) < begins)
        return values.map((value) => without(line, value))
      }),
  ],
  [
    'a strict get leaves out what an earlier one showed',
    'monotonic',
    (scene) =>
      scene.gets.flatMap(({ line, begins }) => {
        const before = scene.gets.filter((early) => early.line.key === line.key && scene.placeOf(early.line) < begins)
        const known = new Set(before.flatMap((early) => early.line.value))
        return line.value
          .filter((value) => known.has(value) && !scene.seen.has(value))
          .map((value) => without(line, value))
      }),
  ],
  [
    'a final differs from the others',
    'converged',
    ({ finals }) => shown(finals).map((line) => ({ line, value: line.value.slice(1) })),
  ],
]

function shown<Line extends FinalLine | OkGetLine>(lines: readonly Line[]): Line[] {
  return lines.filter(({ value }) => value.length > 0)
}

function twice(line: FinalLine | OkGetLine): Fault {
  return { line, value: [...line.value, line.value[0] ?? ''] }
}

test.for(FAULTS)('%s: %s catches it', ([, judge, faultsOf]) => {
  let injected = 0
  for (let seed = 0; seed < 200 && injected < 30; seed++) {
    const choices = new Choices({ seed, length: 1500 })
    const { lines } = new ModelStore(choices, { conflicts: 'siblings', r: 2, w: 2, blocking: true })
    const faults = faultsOf(new Scene(lines))
    const fault = faults[seed % Math.max(1, faults.length)]
    if (fault === undefined) continue
    const broken = lines.with(lines.indexOf(fault.line), { ...fault.line, value: fault.value })
    const { violations } = checkApHistory(broken, { monotonic: true })
    expect(violations.map((violation) => violation.judge)).toContain(judge)
    injected++
  }
  expect(injected).toBeGreaterThan(10)
})
