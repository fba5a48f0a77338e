/** Histories as text, and histories that no recorder may write. */
import { array, constant, constantFrom, nat, oneof, property, record, string, type Arbitrary } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkLinearizable, HistoryIndex, parseHistory, printHistory, type HistoryLine } from '../../src/check/index.ts'
import { holds } from '../property.ts'
import { told, type Recorder } from './recorder.ts'

const PUT = { type: 'invoke', process: 0, f: 'put', key: 'x', value: 'v1', saw: [], time: 5 } as const
const GET = { type: 'ok', process: 0, f: 'get', key: 'x', value: ['v1'], time: 5 } as const
const FINAL = { type: 'final', replica: 'a', key: 'x', value: ['v1'] } as const
const SESSION = { type: 'session', session: 's', guarantees: ['ryw'] } as const

const READ = { type: 'ok', process: 0, f: 'read', key: 'x', value: 'v1', time: 5 } as const
const CAS = { type: 'invoke', process: 0, f: 'cas', key: 'x', value: [null, { a: 1 }], time: 5 } as const
const ACK = { type: 'ack', group: 'g', node: 'a', term: 2, seq: 1, start: 4, time: 5.5 } as const
const GRANTED = { type: 'granted', lock: 'l', holder: 'a', token: 42, time: 5, until: 9 } as const
const GUARDED = { type: 'guarded', lock: 'l', token: 42, accepted: false, time: 5 } as const

const TYPES =
  'invoke, ok, fail, info, session, final, elected, stepdown, voted, ack, localread, granted, released, guarded'

describe('parsing', () => {
  test.for<[string, Record<string, unknown>]>([
    ['a put', PUT],
    ['a put without saw', { ...PUT, saw: undefined }],
    ['a put with all that a recorder may add', { ...PUT, session: 's', node: 'a', level: 'all', strict: true, op: 7 }],
    ['a field that nobody knows', { ...PUT, weather: 'fine' }],
    ['a get with null', { ...GET, type: 'invoke', value: null }],
    ['an ok get', GET],
    ['a get that failed', { ...GET, type: 'fail', value: undefined, error: 'QUORATE_UNAVAILABLE' }],
    ['an ok delete without its name', { ...PUT, type: 'ok', f: 'delete', value: undefined }],
    ['an unknown put', { ...PUT, type: 'info' }],
    ['a final', FINAL],
    ['a session', SESSION],
    ['a read that shows something', READ],
    ['a read that shows nothing', { ...READ, value: null }],
    ['a write of any JSON', { ...READ, type: 'invoke', f: 'write', value: [1, { a: false }] }],
    ['a compare and set', CAS],
    ['a failed compare', { ...CAS, type: 'fail', reason: 'precondition', current: 7 }],
    ['a delete of a register', { ...CAS, f: 'delete', value: null }],
    ['an election', { type: 'elected', group: 'g', node: 'a', term: 2, time: 5 }],
    ['a vote', { type: 'voted', group: 'g', node: 'a', candidate: 'b', term: 2, time: 5 }],
    ['an acknowledgement', ACK],
    ['a local read', { ...ACK, type: 'localread', seq: undefined, seen: 3 }],
    ['a grant', GRANTED],
    ['a release', { ...GRANTED, type: 'released', until: undefined }],
    ['a guarded request', GUARDED],
  ])('%s is a line', ([, line]) => {
    const text = `${JSON.stringify(line)}\n`
    expect(printHistory(parseHistory(text))).toBe(text)
  })

  test.for<[unknown, string]>([
    ['no object', 'must be a JSON object'],
    [null, 'must be a JSON object'],
    [[PUT], 'must be a JSON object'],
    [{ ...PUT, type: undefined }, `"type" must be one of ${TYPES}, and is missing`],
    [{ ...PUT, type: 'constructor' }, `"type" must be one of ${TYPES}, not "constructor"`],
    [{ ...PUT, f: 'post' }, '"f" must be put, get or delete, or for a register read, write, cas or delete, not "post"'],
    [{ ...PUT, f: 'constructor' }, '"f" must be put, get'],
    [{ ...PUT, time: -1 }, '"time" must be nanoseconds from 0, not -1'],
    [{ ...PUT, process: -1 }, '"process" must be a whole number from 0, not -1'],
    [{ ...PUT, process: 'p' }, '"process" must be a whole number from 0, not "p"'],
    [{ ...PUT, key: 1 }, '"key" must be a string, not 1'],
    [{ ...PUT, time: '5' }, '"time" must be nanoseconds from 0, not "5"'],
    [{ ...PUT, time: undefined }, '"time" must be nanoseconds from 0, and is missing'],
    [{ ...PUT, value: 1 }, '"value" must be the written string, not 1'],
    [
      { ...PUT, f: 'delete', value: 1 },
      '"value" must be the delete\'s name, a string, and for a register null or left',
    ],
    [{ ...PUT, saw: 'v0' }, '"saw" must be an array of strings or left out, not "v0"'],
    [{ ...PUT, saw: [1] }, '"saw" must be an array of strings or left out, not [1]'],
    [{ ...PUT, strict: 1 }, '"strict" must be true, false or left out, not 1'],
    [{ ...PUT, session: 1 }, '"session" must be a string or left out, not 1'],
    [{ ...PUT, type: 'ok', value: 1 }, '"value" must be the written string or left out, not 1'],
    [{ ...GET, type: 'invoke' }, '"value" must be null or left out, not ["v1"]'],
    [{ ...GET, value: 'v1' }, '"value" must be an array of strings, not "v1"'],
    [{ ...GET, value: undefined }, '"value" must be an array of strings, and is missing'],
    [{ ...FINAL, replica: undefined }, '"replica" must be a string, and is missing'],
    [{ ...FINAL, value: null }, '"value" must be an array of strings, not null'],
    [{ ...READ, value: undefined }, '"value" must be what was read, null for absent, and is missing'],
    [{ ...READ, type: 'invoke' }, '"value" must be null or left out, not "v1"'],
    [{ ...READ, type: 'invoke', f: 'write', value: undefined }, '"value" must be the written value, and is missing'],
    [{ ...READ, process: undefined }, '"process" must be a whole number from 0, and is missing'],
    [{ ...CAS, value: 'v1' }, '"value" must be [from, to], not "v1"'],
    [{ ...CAS, value: [1] }, '"value" must be [from, to], not [1]'],
    [{ ...CAS, type: 'ok', value: 1 }, '"value" must be [from, to] or left out, not 1'],
    [{ ...CAS, type: 'fail', reason: 7 }, '"reason" must be a string or left out, not 7'],
    [{ ...ACK, term: -1 }, '"term" must be a whole number from 0, not -1'],
    [{ ...ACK, group: undefined }, '"group" must be a string, and is missing'],
    [{ ...ACK, start: 'now' }, '"start" must be milliseconds from 0, not "now"'],
    [{ ...ACK, seq: undefined }, '"seq" must be a whole number from 0, and is missing'],
    [{ ...ACK, type: 'localread', seen: 'v' }, '"seen" must be a whole number from 0 or left out, not "v"'],
    [{ ...ACK, type: 'voted' }, '"candidate" must be a string, and is missing'],
    [{ ...GRANTED, until: undefined }, '"until" must be milliseconds from 0, and is missing'],
    [{ ...GRANTED, token: 1.5 }, '"token" must be a whole number from 0, not 1.5'],
    [{ ...GUARDED, accepted: 'yes' }, '"accepted" must be true or false, not "yes"'],
    [{ ...SESSION, guarantees: ['all'] }, '"guarantees" must be an array of ryw, mr, mw, wfr, not ["all"]'],
  ])('%j is refused', ([line, problem]) => {
    const text = `${JSON.stringify(PUT)}\n\n${JSON.stringify(line)}\n`
    expect(() => parseHistory(text)).toThrow(
      expect.objectContaining({ code: 'QUORATE_INVALID_OPTION', message: expect.stringContaining(problem) as string }),
    )
    expect(() => parseHistory(text)).toThrow('history line 3')
  })

  test('a torn line is refused with its number', () => {
    expect(() => parseHistory(`${JSON.stringify(PUT)}\n{"type":"inv`)).toThrow('history line 2 is not JSON')
  })

  test('empty lines, carriage returns and an empty text are fine', () => {
    expect(parseHistory('')).toEqual([])
    expect(parseHistory(`\n${JSON.stringify(PUT)}\r\n\n`)).toEqual([PUT])
  })

  test('printing and parsing are inverse', () => {
    const text = oneof(
      string({ maxLength: 5 }),
      constantFrom('\n', '"\\', '\u2028', '\ud83d\ude00', '\ud83d', '__proto__'),
    )
    const operation = { process: nat(), key: text, time: nat() }
    const lines: Arbitrary<HistoryLine>[] = [
      record({ type: constant('invoke'), f: constant('put'), ...operation, value: text, saw: array(text) }),
      record({ type: constant('ok'), f: constant('get'), ...operation, value: array(text) }),
      record({ type: constant('final'), replica: text, key: text, value: array(text) }),
    ]
    holds(
      property(array(oneof(...lines)), (history) => {
        expect(parseHistory(printHistory(history))).toEqual(history)
      }),
    )
  })
})

describe('operations', () => {
  test.for<[string, readonly HistoryLine[], string]>([
    ['a completion without an invoke', [{ ...PUT, type: 'ok' }], 'line 1: process 0 completes what it did not invoke'],
    ['an invoke of a busy process', [PUT, { ...PUT, value: 'v2' }], 'line 2: process 0 is busy since line 1'],
    ['another function', [PUT, GET], 'line 2: process 0 completes another operation than it invoked in line 1'],
    ['another key', [PUT, { ...PUT, type: 'ok', key: 'y' }], 'line 2: process 0 completes another operation'],
    ['another value', [PUT, { ...PUT, type: 'ok', value: 'v2' }], 'line 2: its value is not the one invoked in line 1'],
    [
      'a key of two kinds',
      [PUT, { ...PUT, type: 'ok' }, { ...CAS, process: 1 }],
      'line 3: key "x" is an AP key by line 1, and cas is for a register',
    ],
    [
      'a delete of an AP key without a name',
      [PUT, { ...PUT, type: 'ok' }, { type: 'invoke', process: 1, f: 'delete', key: 'x', time: 6 }],
      'line 3: a delete of an AP key needs a name, in "value"',
    ],
  ])('%s is refused', ([, history, problem]) => {
    expect(() => new HistoryIndex(history)).toThrow(problem)
  })

  test.for<[string, readonly HistoryLine[], string]>([
    ['a busy process', [CAS, CAS], 'line 2: process 0 is busy since line 1'],
    [
      'another value',
      [CAS, { ...CAS, type: 'ok', value: [1, 2] }],
      'line 2: its value is not the one invoked in line 1',
    ],
    [
      'one identity for two operations',
      [
        { ...CAS, op: 'o' },
        { ...CAS, process: 1, op: 'o', value: [1, 2] },
      ],
      'line 2: its `op` is that of another operation, in line 1',
    ],
  ])('%s on a register is refused', ([, history, problem]) => {
    expect(() => checkLinearizable(history)).toThrow(problem)
  })

  test('a history of everything: each judge looks at what concerns it', () => {
    const put = [PUT, { ...PUT, type: 'ok' }] as const
    const cas = [
      { ...CAS, key: 'y' },
      { ...CAS, key: 'y', type: 'ok' },
    ] as const
    const deleted = { process: 0, f: 'delete', time: 6 } as const
    const history: readonly HistoryLine[] = [
      ...put,
      ...cas,
      { type: 'invoke', ...deleted, key: 'x', value: 'd1' },
      { type: 'ok', ...deleted, key: 'x' },
      { type: 'invoke', ...deleted, key: 'y', value: 'd2' },
      { type: 'ok', ...deleted, key: 'y' },
      { type: 'invoke', ...deleted, key: 'z' },
      { type: 'ok', ...deleted, key: 'z' },
      ACK,
      GRANTED,
    ]
    expect(new HistoryIndex(history).keys.map(({ key, writes }) => [key, writes.length])).toEqual([['x', 2]])
    expect(checkLinearizable(history)).toMatchObject({ ok: true, checked: 1 })
  })

  test('lines out of order are put in order of time', () => {
    const put = [{ ...PUT, process: 1, time: 8 }, { ...PUT, process: 1, type: 'ok', time: 9 } as const]
    const [key] = new HistoryIndex([{ ...GET, type: 'invoke', value: null, time: 10 }, { ...GET, time: 11 }, ...put])
      .keys
    expect(key?.gets).toMatchObject([{ startRank: 2, endRank: 3, lines: [1, 2] }])
    expect(key?.writes).toMatchObject([{ startRank: 0, ackRank: 1, startedAt: 8, ackedAt: 9, lines: [3, 4] }])
  })

  test('lines of equal time happened in the order in which they stand', () => {
    const [key] = new HistoryIndex([PUT, { ...PUT, type: 'ok' }, { ...GET, type: 'invoke', value: null }, GET]).keys
    expect(key?.writes).toMatchObject([{ ackRank: 1 }])
    expect(key?.gets).toMatchObject([{ startRank: 2 }])
  })

  test('strict is what the completion says, else the invoke, else the option', () => {
    const get = (invoke: object, ok: object, strict?: boolean): boolean | undefined => {
      const history = [{ ...GET, type: 'invoke', value: null, ...invoke } as const, { ...GET, ...ok } as const]
      return new HistoryIndex(history, strict === undefined ? {} : { strict }).keys[0]?.gets[0]?.strict
    }
    expect(get({ strict: false }, { strict: true })).toBe(true)
    expect(get({ strict: true }, { strict: false })).toBe(false)
    expect(get({ strict: true }, {})).toBe(true)
    expect(get({}, {})).toBe(false)
    expect(get({}, {}, true)).toBe(true)
    expect(get({}, { strict: false }, true)).toBe(false)
  })
})

describe('retries', () => {
  const write = (story: (tell: Recorder) => void): unknown => new HistoryIndex(told(story)).keys[0]?.writes

  test('attempts are one write from the first that did not fail to the first acknowledgement', () => {
    const writes = write((tell) => {
      tell.startPut('v1').fail()
      tell.startPut('v1').info()
      tell.put('v1')
    })
    expect(writes).toMatchObject([
      { happened: 'yes', startedAt: 3e6, ackedAt: 6e6, settledAt: Infinity, lines: [3, 4, 5, 6] },
    ])
  })

  test.for<['yes' | 'no' | 'maybe', readonly ('ok' | 'fail' | 'info')[]]>([
    ['no', ['fail', 'fail']],
    ['maybe', ['fail', 'info']],
    ['maybe', ['info', 'fail']],
    ['yes', ['info', 'ok']],
    ['yes', ['ok', 'fail']],
  ])('%s is what became of %j', ([happened, outcomes]) => {
    const writes = write((tell) => {
      for (const outcome of outcomes) tell.startPut('v1')[outcome]()
    })
    expect(writes).toMatchObject([{ happened }])
  })

  test('the strict acknowledgement may come later than the first', () => {
    expect(write((tell) => tell.put('v1', { strict: false }).put('v1'))).toMatchObject([
      { ackRank: 1, strictAckRank: 3 },
    ])
  })

  test.for<[string, (tell: Recorder) => void, string]>([
    ['two operations', (tell) => tell.put('v1', { op: 'o1' }).put('v1', { op: 'o2' }), 'by another operation'],
    ['a put and a delete', (tell) => tell.put('v1').delete('v1'), 'by another operation'],
    [
      'two contexts',
      (tell) =>
        tell
          .put('v0')
          .put('v1')
          .put('v1', { saw: ['v0'] }),
      'with another `saw`',
    ],
  ])('one name for %s is refused', ([, story, problem]) => {
    expect(() => write(story)).toThrow(problem)
  })
})

describe('what saw what', () => {
  test('a write sees through those it saw, but not through one that failed, nor into the future', () => {
    const history = told((tell) => {
      tell.put('v0').put('v1', { saw: ['v0', 'v3', 'v9'] })
      tell.startPut('v2', { saw: ['v1'] }).fail()
      tell
        .put('v3', { saw: ['v1'] })
        .put('v4', { saw: ['v2'] })
        .put('v5', { saw: ['v5', 'v3'] })
    })
    const [key] = new HistoryIndex(history).keys
    const seen = key?.writes.map(({ id }) =>
      key
        .ancestors(id)
        .without([])
        .map((seenId) => key.write(seenId).value),
    )
    expect(seen).toEqual([[], ['v0'], [], ['v0', 'v1'], [], ['v0', 'v1', 'v3']])
  })
})
