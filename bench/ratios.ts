/**
 * What must not get worse unseen, in a minute and on any machine: messages, bytes and round trips, which are the same in
 * every run, and processor time beside plain work in the same process, round by round. Never wall time.
 *
 * A bound that is passed fails the part, and with it the run. What is counted has little room to its bound; processor
 * time has two thirds, since engines and processors differ, and is measured again before it fails.
 */
import { Packr } from 'msgpackr'
import type { Message } from '../src/core/message.ts'
import { ByteReader, ByteWriter } from '../src/runtime/codec/bytes.ts'
import { readAnswer, readRequest, writeMessage, type MessageLimits } from '../src/runtime/codec/message-codec.ts'
import { keyAt, VALUE } from './cells.ts'
import { play } from './matrix/run.ts'
import { cellNamed } from './matrix/selection.ts'
import { MachineBed } from './micro/machines.ts'
import { converse } from './repair/converse.ts'
import { equalPair, spread, VastKeys } from './repair/vast-replica.ts'
import { bytes, GOAL_COLUMNS, goalRow, type Part, type Row } from './section.ts'
import { median, medianRatio } from './statistics.ts'

const LIMITS: MessageLimits = { keyBytesMax: 1024, valueBytesMax: 2 ** 20, entriesMax: 4096, pageEntriesMax: 1024 }
const REPLICAS = 3
const KEYS = 20_000
const DIFFERENCES = 200
const ROUNDS = 15
/** Of each kind in one round; some tens of milliseconds. */
const CALLS = 4_000
const HISTORIES = 2
const WARM = 3
const TRIES = 3

export const ratios: Part = {
  name: 'ratios',
  about: 'messages, bytes and processor time as ratios, and a failure where one is passed: with --only ratios',
  run: async (_scale, progress) => {
    progress.part('ratios', 2)
    progress.step('messages and bytes')
    const counted = [...calls(), ...exchange()]
    progress.step('processor time')
    const rows = [...counted, ...processorTime()]
    const failures = rows.flatMap(({ name, goal }) => {
      if (goal === undefined || goal.met) return []
      return [`The gate is shut: ${name}: ${goal.ratio.toFixed(2)} where at most ${goal.bound} is allowed`]
    })
    return [
      {
        part: 'ratios',
        title: 'Ratios: what a call takes, N = 3, values of 128 bytes',
        columns: GOAL_COLUMNS,
        rows,
        notes: [
          `Plain work: ${REPLICAS} requests and answers of the same size packed and unpacked by msgpackr, and a map for each replica. ` +
            'Processor time of both in turn, the median of the ratios.',
        ],
        failures,
      },
    ]
  },
}

/** Messages and bytes of a put and of a get with replicas that agree. */
function calls(): Row[] {
  const bed = new MachineBed('lww')
  const of = (call: () => unknown): { messages: number; bytes: number } => {
    const sum = { messages: 0, bytes: 0 }
    bed.onMessage = (message) => {
      sum.messages++
      sum.bytes += packed(message).length
    }
    call()
    return sum
  }
  const [put, get] = [of(() => bed.put()), of(() => bed.get())]
  const record = keyAt(0).length + VALUE.length
  return [
    row({ name: 'messages of a put, W = 2', value: put.messages, against: 2 * REPLICAS, show: String, bound: 1 }),
    row({ name: 'messages of a get, R = 2', value: get.messages, against: 4, show: String, bound: 1 }),
    row({ name: 'bytes of a put', value: put.bytes, against: REPLICAS * record, show: bytes, bound: 1.6 }),
    row({ name: 'bytes of a get', value: get.bytes, against: record, show: bytes, bound: 1.95 }),
  ]
}

/** An exchange between replicas of which few keys differ. */
function exchange(): Row[] {
  const keys = new VastKeys(KEYS)
  const pair = equalPair(keys, { kind: 'lww', valueBytes: 131 })
  const recordBytes = spread(pair, keys, DIFFERENCES)
  const { sentBytes, receivedBytes, rounds } = converse(...pair)
  const name = `exchange, ${DIFFERENCES} of ${KEYS} keys differ`
  return [
    row({ name: `${name}, bytes`, value: sentBytes + receivedBytes, against: recordBytes, show: bytes, bound: 2.2 }),
    row({ name: `${name}, round trips`, value: rounds, against: 5, show: String, bound: 1 }),
  ]
}

function row(of: {
  readonly name: string
  readonly value: number
  readonly against: number
  readonly show: (value: number) => string
  readonly bound: number
}): Row {
  const { name, value, against, show, bound } = of
  return goalRow({
    name,
    measured: show(value),
    against: show(against),
    goal: { ratio: value / against, relation: 'at most', bound },
    figures: { value, against },
  })
}

interface Work {
  readonly name: string
  readonly run: () => void
  /** How often the plain work is done beside one run. */
  readonly beside: number
  readonly bound: number
}

function processorTime(): Row[] {
  const plain = plainPuts()
  const bed = new MachineBed('lww')
  bed.onMessage = passed
  const cell = cellNamed('n3-r2-w2/LAN/healthy/ycsb-a', [])
  let seed = 0
  const works: readonly Work[] = [
    { name: 'a put, core and codec', run: repeat(CALLS, () => bed.put()), beside: CALLS, bound: 3 },
    { name: 'a get, core and codec', run: repeat(CALLS, () => bed.get()), beside: CALLS, bound: 2 },
    {
      name: 'a simulated operation',
      run: repeat(HISTORIES, () => play(cell, ++seed)),
      beside: 400 * HISTORIES,
      bound: 9,
    },
  ]
  return works.map((work) => {
    let last = measured(work, plain)
    for (let tries = 1; tries < TRIES && last.goal?.met === false; tries++) last = measured(work, plain)
    return last
  })
}

function measured({ name, run, beside, bound }: Work, plain: () => void): Row {
  const [of, to]: [number[], number[]] = [[], []]
  for (let round = -WARM; round < ROUNDS; round++) {
    const [own, other] = [cpuUs(run) / beside, cpuUs(repeat(CALLS, plain)) / CALLS]
    if (round < 0) continue
    of.push(own)
    to.push(other)
  }
  const us = (values: readonly number[]): string => `${median(values).toFixed(1)} µs`
  return goalRow({
    name: `processor time of ${name}, against plain puts`,
    measured: us(of),
    against: us(to),
    goal: { ratio: medianRatio({ of, to }), relation: 'at most', bound },
    figures: { cpuUs: of, plainUs: to },
  })
}

function repeat(times: number, run: () => unknown): () => void {
  return () => {
    for (let i = 0; i < times; i++) run()
  }
}

function cpuUs(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

const writer = new ByteWriter()

function packed(message: Message): Buffer {
  writer.reset()
  writeMessage(writer, message)
  return writer.take()
}

/** Packs a message and unpacks it, as two processes would. */
function passed(message: Message): void {
  const reader = new ByteReader(packed(message))
  if (message.kind === 'write' || message.kind === 'read') readRequest(reader, LIMITS)
  else readAnswer(reader, LIMITS)
}

/** The least that three copies of a record and their acknowledgements take. */
function plainPuts(): () => void {
  const packr = new Packr({ useRecords: false })
  const replicas = Array.from({ length: REPLICAS }, () => new Map<string, unknown>())
  let turn = 0
  return () => {
    turn++
    for (const replica of replicas) {
      const asked = packr.unpack(packr.pack({ id: turn, key: keyAt(turn % 1_000), value: VALUE })) as {
        key: string
        value: string
      }
      replica.set(asked.key, asked.value)
      packr.unpack(packr.pack({ id: turn, ok: true }))
    }
  }
}
