/** Registers that are linearizable, and that are not: stories, and drawn histories beside a slower, dumber judge. */
import { property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkApHistory, checkLinearizable, checkSettled, type RegisterLine } from '../../src/check/index.ts'
import { holds } from '../property.ts'
import { Choices, decisions } from './choices.ts'
import { DrawnRegister } from './drawn-registers.ts'
import { isLinearizable } from './naive-registers.ts'
import { registerStory, type RegisterTeller } from './register-story.ts'

describe.for([
  ['few values', 3],
  ['every value once', 'unique'],
] as const)('%s', ([, values]) => {
  // Where values recur, unknown outcomes of equal effect multiply what may be true; so there are fewer of them.
  const infoOneIn = values === 'unique' ? 6 : 30
  const small = { processes: 4, values, operationsMax: 9, lieOneIn: 5, infoOneIn: 6 } as const

  test.for([
    ['linearizable', false],
    ['settled', true],
  ] as const)('%s: the judge agrees with the slow judge', ([, settling]) => {
    const tally = { broken: 0, kept: 0, unsettled: 0 }
    holds(
      property(decisions(200), (drawn) => {
        const history = new DrawnRegister(new Choices(drawn), small).lines
        const kept = isLinearizable(history, { settling })
        const { ok, violations, undecided } = settling ? checkSettled(history) : checkLinearizable(history)
        expect({ ok, undecided }).toEqual({ ok: kept, undecided: [] })
        if (!kept) {
          const rule = isLinearizable(history, { settling: false }) ? 'settled' : 'linearizable'
          expect(violations.map((violation) => violation.rule)).toEqual([rule])
          if (rule === 'settled') tally.unsettled++
        }
        tally[kept ? 'kept' : 'broken']++
      }),
      { numRuns: 1500 },
    )
    expect(tally.broken).toBeGreaterThan(300)
    expect(tally.kept).toBeGreaterThan(300)
    if (settling) expect(tally.unsettled).toBeGreaterThan(10)
  })

  test('explanation: the lines of a violation contradict each other, and none can be spared', () => {
    let explained = 0
    holds(
      property(decisions(200), (drawn) => {
        const history = new DrawnRegister(new Choices(drawn), small).lines
        const [violation] = checkLinearizable(history).violations
        if (violation === undefined) return
        const { lines } = violation
        expect(isLinearizable(insistingOn(history, lines), { settling: false })).toBe(false)
        const invokes = lines.filter((line) => history[line - 1]?.type === 'invoke')
        for (const spared of invokes) {
          const { process } = history[spared - 1] as RegisterLine
          const end = lines.find((line) => line > spared && history[line - 1]?.process === process)
          const others = lines.filter((line) => line !== spared && line !== end)
          expect(isLinearizable(insistingOn(history, others), { settling: false })).toBe(true)
        }
        explained++
      }),
      { numRuns: 300 },
    )
    expect(explained).toBeGreaterThan(50)
  })

  test('a real register passes, with 300 operations and many of them unknown', () => {
    const options = { processes: 12, values, operationsMax: 300, infoOneIn }
    let unknown = 0
    for (let seed = 0; seed < 10; seed++) {
      const choices = new Choices({ seed, length: 6000 })
      const history = new DrawnRegister(choices, options).lines
      unknown += history.filter(({ type }) => type === 'info').length
      const verdict = checkLinearizable(history)
      expect({ seed, ...verdict }).toMatchObject({ ok: true, violations: [], undecided: [] })
      expect(verdict.checked).toBeGreaterThan(50)
      expect(checkApHistory(history)).toMatchObject({ ok: true, checked: 0 })
    }
    expect(unknown).toBeGreaterThan(values === 'unique' ? 10 * 60 : 10 * 12)
  })

  test('a real register that settles passes as settled', () => {
    const options = { processes: 12, values, operationsMax: 300, infoOneIn, settling: true }
    for (let seed = 0; seed < 10; seed++) {
      const history = new DrawnRegister(new Choices({ seed, length: 6000 }), options).lines
      expect({ seed, ...checkSettled(history) }).toMatchObject({ ok: true, undecided: [] })
    }
  })
})

/** The history where only these lines count: other looks are struck, and other changes may happen at any time or never. */
function insistingOn(history: readonly RegisterLine[], numbers: readonly number[]): RegisterLine[] {
  const last = Math.max(...numbers)
  const kept: RegisterLine[] = []
  for (const [at, line] of history.entries()) {
    if (numbers.includes(at + 1)) kept.push(line)
    else if (at < last && line.type === 'invoke' && line.f !== 'read') {
      const end = history.find(
        ({ process, type }, later) => later > at && process === line.process && type !== 'invoke',
      )
      if (end?.type !== 'fail') kept.push({ ...line, process: 1000 + at })
    }
  }
  return kept
}

type Expected = readonly string[]
type Case = readonly [name: string, rules: Expected, story: (tell: RegisterTeller) => void]

const LINEARIZABLE: readonly Case[] = [
  ['nothing', [], () => {}],
  ['a register begins absent', [], (tell) => tell.read(null)],
  ['a value out of nowhere', ['linearizable'], (tell) => tell.read('a')],
  ['a write is read', [], (tell) => tell.write('a').read('a').read('a')],
  ['a stale read', ['linearizable'], (tell) => tell.write('a').write('b').read('a')],
  ['a delete leaves nothing', [], (tell) => tell.write('a').delete().read(null)],
  ['a deleted value rises', ['linearizable'], (tell) => tell.write('a').delete().read('a')],
  [
    'a read beside a write shows either',
    [],
    (tell) => {
      const write = tell.start('write', 'a')
      tell.read(null).read('a')
      write.ok()
    },
  ],
  [
    'new and then old again',
    ['linearizable'],
    (tell) => {
      const write = tell.start('write', 'a')
      tell.read('a').read(null)
      write.ok()
    },
  ],
  [
    'a failed write is not there',
    ['linearizable'],
    (tell) => {
      tell.start('write', 'a').fail()
      tell.read('a')
    },
  ],
  [
    'an unknown write shows late',
    [],
    (tell) => {
      tell.start('write', 'a').info()
      tell.read(null).read(null).read('a')
    },
  ],
  [
    'an unknown write happens once',
    ['linearizable'],
    (tell) => {
      tell.start('write', 'a').info()
      tell.read('a').write('b').read('a')
    },
  ],
  [
    'two unknown writes of one value happen twice',
    [],
    (tell) => {
      tell.start('write', 'a').info()
      tell.start('write', 'a').info()
      tell.read('a').write('b').read('a')
    },
  ],
  [
    'an operation that never ends is unknown',
    [],
    (tell) => {
      tell.start('write', 'a')
      tell.read(null).read('a')
    },
  ],
  ['a compare that holds', [], (tell) => tell.cas(null, 'a').cas('a', 'b').read('b')],
  ['a compare that cannot hold', ['linearizable'], (tell) => tell.write('a').cas('b', 'c')],
  [
    'two compares from one value',
    ['linearizable'],
    (tell) => {
      tell.write('a')
      const one = tell.start('cas', ['a', 'b'])
      tell.cas('a', 'c')
      one.ok()
    },
  ],
  ['a compare that fails', [], (tell) => tell.write('a').mismatch(['b', 'c']).mismatch(['b', 'c'], 'a')],
  ['a compare that fails though it holds', ['linearizable'], (tell) => tell.write('a').mismatch(['a', 'b'])],
  ['a failed compare that found something else', ['linearizable'], (tell) => tell.write('a').mismatch(['b', 'c'], 'd')],
  [
    'a failed compare that found what it expected',
    ['linearizable'],
    (tell) => tell.write('a').mismatch(['a', 'c'], 'a'),
  ],
  [
    'a failed compare saw the unknown write',
    ['linearizable'],
    (tell) => {
      tell.write('a')
      tell.start('write', 'b').info()
      tell.mismatch(['a', 'c']).read('a')
    },
  ],
  [
    'a chain of unknown compares',
    [],
    (tell) => {
      for (const step of [
        ['c', 'd'],
        ['a', 'b'],
        ['b', 'c'],
        [null, 'a'],
      ] as const)
        tell.start('cas', step).info()
      tell.read('d')
    },
  ],
  [
    'a broken chain of unknown compares',
    ['linearizable'],
    (tell) => {
      for (const step of [
        ['c', 'd'],
        ['b', 'c'],
        [null, 'a'],
      ] as const)
        tell.start('cas', step).info()
      tell.read('d')
    },
  ],
  [
    'a write overwritten before anybody saw it',
    [],
    (tell) => {
      const hidden = tell.start('write', 'a')
      tell.write('b').read('b')
      hidden.ok()
      tell.read('b')
    },
  ],
  [
    'objects are equal whatever the order of their fields',
    [],
    (tell) => tell.write({ a: 1, b: [2] }).read({ b: [2], a: 1 }),
  ],
  ['lists are equal in their order only', ['linearizable'], (tell) => tell.write([1, 2]).read([2, 1])],
  [
    'keys have nothing to do with each other',
    [],
    (tell) => {
      tell.write('a').write('b', { key: 'y' }).read('a').read('b', { key: 'y' })
    },
  ],
  [
    'each key is judged',
    ['linearizable', 'linearizable'],
    (tell) => {
      tell.read('a').read('b', { key: 'y' }).read(null, { key: 'z' })
    },
  ],
  [
    'a retry of one operation happens once',
    ['linearizable'],
    (tell) => {
      tell.start('write', 'a', { op: 'o' }).info()
      tell.read('a').write('b').write('a', { op: 'o' }).read('a')
    },
  ],
  [
    'a retry is told of the first attempt',
    [],
    (tell) => {
      tell.start('cas', [null, 'a'], { op: 'o' }).info()
      tell.read('a').write('b').cas(null, 'a', { op: 'o' }).read('b')
    },
  ],
  [
    'an operation takes its own value for a conflict',
    ['linearizable'],
    (tell) => {
      tell.start('cas', [null, 'a'], { op: 'o' }).info()
      tell.mismatch([null, 'a'], 'a', { op: 'o' }).read('a')
    },
  ],
  [
    'an acknowledged operation is told that it did not happen',
    ['linearizable', 'retry'],
    (tell) => {
      tell.cas(null, 'a', { op: 'o' }).mismatch([null, 'a'], 'a', { op: 'o' })
    },
  ],
  [
    'an operation that cannot land any more',
    [],
    (tell) => {
      tell.start('write', 'a', { op: 'o' }).info()
      tell.start('write', 'a', { op: 'o' }).fail({ reason: 'cannot-land' })
      tell.read(null)
    },
  ],
  [
    'an operation lands that could not any more',
    ['linearizable'],
    (tell) => {
      tell.start('write', 'a', { op: 'o' }).info()
      tell.start('write', 'a', { op: 'o' }).fail({ reason: 'cannot-land' })
      tell.read('a')
    },
  ],
]

test.for(LINEARIZABLE)('linearizable: %s', ([, rules, story]) => {
  const history = registerStory(story)
  const { ok, violations } = checkLinearizable(history)
  expect({ rules: violations.map(({ rule }) => rule).toSorted(), violations }).toEqual({ rules, violations })
  expect(ok).toBe(rules.length === 0)
  for (const { lines } of violations) expect(lines.every((line) => history[line - 1] !== undefined)).toBe(true)
})

const SETTLED: readonly Case[] = [
  [
    'an abandoned write rises after a read without it',
    ['settled'],
    (tell) => {
      tell.start('write', 'a').info()
      tell.read(null).read('a')
    },
  ],
  [
    'an abandoned write rises after a failed compare without it',
    ['settled'],
    (tell) => {
      tell.write('b')
      tell.start('write', 'a').info()
      tell.mismatch(['c', 'd'], 'b').read('a')
    },
  ],
  [
    'an abandoned write shows at once',
    [],
    (tell) => {
      tell.start('write', 'a').info()
      tell.read('a').read('a')
    },
  ],
  [
    'a write that was not given up before the read began',
    [],
    (tell) => {
      const write = tell.start('write', 'a')
      const read = tell.start('read')
      write.info()
      read.ok(null)
      tell.read('a')
    },
  ],
  [
    'a write that nobody gave up',
    [],
    (tell) => {
      tell.start('write', 'a')
      tell.read(null).read('a')
    },
  ],
  ['a stale read is not linearizable to begin with', ['linearizable'], (tell) => tell.write('a').write('b').read('a')],
]

test.for(SETTLED)('settled: %s', ([, rules, story]) => {
  const history = registerStory(story)
  const { ok, violations } = checkSettled(history)
  expect({ rules: violations.map(({ rule }) => rule), violations }).toEqual({ rules, violations })
  expect(ok).toBe(rules.length === 0)
  if (rules[0] === 'settled') expect(checkLinearizable(history).ok).toBe(true)
})

test('explanation: the answer that cannot be, what could be, and why', () => {
  const stale = registerStory((tell) => {
    tell.write('z').read('z').write('a').write('y', { key: 'other' }).write('b').read('b').read('a').read('b')
  })
  expect(checkLinearizable(stale)).toEqual({
    ok: false,
    checked: 4,
    undecided: [],
    violations: [
      {
        rule: 'linearizable',
        key: 'x',
        message:
          'read by process 6 (line 13, 14) showed "a", where the register held "b": write "a" by process 2 (line 5, 6), ' +
          'write "b" by process 4 (line 9, 10)',
        lines: [5, 6, 9, 10, 13, 14],
      },
    ],
  })
})

test('explanation: one wrong answer among 300 is told by a few lines', () => {
  const options = { processes: 6, values: 'unique', operationsMax: 300, infoOneIn: 20 } as const
  for (let seed = 0; seed < 10; seed++) {
    const history = new DrawnRegister(new Choices({ seed, length: 3000 }), options).lines
    const middle = history.findIndex(({ type, f }, at) => at > history.length / 2 && type === 'ok' && f === 'read')
    const wrong = history.map((line, at) => (at === middle ? ({ ...line, value: 'v1' } as RegisterLine) : line))
    const { ok, violations } = checkLinearizable(wrong)
    expect({ seed, ok }).toEqual({ seed, ok: false })
    expect(violations[0]?.lines).toContain(middle + 1)
    expect(violations[0]?.lines.length).toBeLessThan(12)
  }
})

/** Some give a history that could be as well, where operations overlap; so many of ten do not. */
type Mutation = (history: readonly RegisterLine[]) => RegisterLine[] | undefined

/** Changes the first line after the middle that is fit for it. */
const change =
  (at: (line: RegisterLine, history: readonly RegisterLine[]) => RegisterLine | undefined): Mutation =>
  (history) => {
    for (let place = history.length >> 1; place < history.length; place++) {
      const changed = at(history[place] as RegisterLine, history)
      if (changed !== undefined) return history.with(place, changed)
    }
    return undefined
  }

const isRead = (value: unknown, history: readonly RegisterLine[]): boolean =>
  history.some((line) => line.type === 'ok' && line.f === 'read' && line.value === value)

const MUTATIONS: readonly (readonly [string, caught: number, Mutation])[] = [
  [
    'a failed compare that is said to have held',
    4,
    change((line) => {
      if (line.type !== 'fail' || line.f !== 'cas') return undefined
      const { process, key, f, time } = line
      return { process, key, f, time, type: 'ok' }
    }),
  ],
  [
    'a failed compare that found something long gone',
    8,
    change((line) =>
      line.type === 'fail' && line.current !== undefined && line.current !== null
        ? { ...line, current: 'v1' }
        : undefined,
    ),
  ],
  [
    'a write that was read, and is said to have failed',
    8,
    change((line, history) => {
      if (line.type !== 'ok' || line.f !== 'write') return undefined
      const invoke = history.findLast(
        ({ type, process, time }) => type === 'invoke' && process === line.process && time < line.time,
      )
      return isRead(invoke?.value, history) ? { ...line, type: 'fail' } : undefined
    }),
  ],
  [
    'a read of what was never written',
    8,
    change((line) => (line.type === 'ok' && line.f === 'read' ? { ...line, value: 'never' } : undefined)),
  ],
]

test.for(MUTATIONS)('mutation: %s is caught', ([, least, mutate]) => {
  const options = { processes: 6, values: 'unique', operationsMax: 200, infoOneIn: 20 } as const
  let caught = 0
  for (let seed = 0; seed < 10; seed++) {
    const history = mutate(new DrawnRegister(new Choices({ seed, length: 3000 }), options).lines)
    if (history !== undefined && !checkLinearizable(history).ok) caught++
  }
  expect(caught).toBeGreaterThanOrEqual(least)
})

test('allowance: what would take too many steps is undecided, not right', () => {
  const history = registerStory((tell) => tell.write('a').read('a').read('b'))
  expect(checkLinearizable(history, { workMax: 1 })).toMatchObject({ ok: false, violations: [], undecided: ['x'] })
  expect(checkLinearizable(history)).toMatchObject({ ok: false, undecided: [] })
})
