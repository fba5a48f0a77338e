/**
 * A process that stands for the lead of a group, and for a lock's sake uses what only a leader may use. It tells what it
 * does in lines of JSON, by the machine's monotonic clock, which all processes share.
 *
 * Arguments: the replicas as JSON, the group, the lease in milliseconds. A line on its input, `stall N`, keeps its event
 * loop busy for that long.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { connect } from '../../src/index.ts'

const [replicas = '{}', group = '', leaseMs = '0'] = process.argv.slice(2)
const ASK_MS = 3
const STDOUT = 1

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** At once, so that nothing that happened is lost with the process. */
function tell(line: object): void {
  writeSync(STDOUT, `${JSON.stringify(line)}\n`)
}

function stall(ms: number): void {
  const endAt = now() + ms
  while (now() < endAt);
}

const client = await connect({
  replicas: JSON.parse(replicas) as Record<string, string>,
  heartbeatMs: 100,
  transport: { backoffMsMax: 100 },
})
const node = client.id
const seat = client.campaign(group, { leaseMs: Number(leaseMs) })
/** The token that it had last, whether it leads or not. */
let token = 0
let seq = 0
seat.on('elected', ({ generation: term }) => {
  token = term
  tell({ type: 'elected', group, node, term, time: now() })
})
seat.on('lost', ({ generation: term }) => {
  tell({ type: 'stepdown', group, node, term, time: now() })
  // As somebody would who slept between his last look at the clock and his write.
  tell({ type: 'use', token })
})

createInterface({ input: process.stdin }).on('line', (line) => stall(Number(line.split(' ')[1])))

/** Something is asked, takes a moment, and is answered if this process leads by then. */
setInterval(() => {
  const start = now()
  const term = seat.generation
  if (term === undefined) return
  setTimeout(() => {
    if (seat.generation !== term) return
    tell({ type: 'ack', group, node, term, seq: ++seq, start, time: now() })
    if (seq % 10 === 0) tell({ type: 'use', token: term })
  }, 1)
}, ASK_MS)
tell({ type: 'ready', node })
