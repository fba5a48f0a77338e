/**
 * A process that wants to be the only one to act: it stands for the lead of a group, or waits for a lock, and while it
 * has it, changes one register again and again, each time from the state that it knows. When it has lost it, it does
 * what nobody can keep a sleeper from: it goes on with what it was about to do, late.
 *
 * Its one argument is a `HolderPlan` as JSON. What it does it tells in lines of JSON: history lines, and `Told`.
 */
import { writeSync } from 'node:fs'
import type { HistoryLine } from '../../../src/check/index.ts'
import { QuorateError } from '../../../src/core/base/errors.ts'
import { connect, type Client, type CpKeyspace } from '../../../src/index.ts'
import { RegisterHistorian, type ChangeEnd, type Held } from './register-historian.ts'
import { nowMs, sleep } from './time.ts'

export interface HolderPlan {
  readonly name: string
  readonly replicas: Readonly<Record<string, string>>
  readonly heartbeatMs: number
  readonly by: 'seat' | 'lock'
  readonly group: string
  readonly leaseMs: number
  readonly keyspace: string
  readonly n: number
  readonly key: string
  /** Numbers from here on are this holder's processes in the history. */
  readonly firstProcess: number
}

/** What it tells beside lines of the history. `late`: whether replicas took a change that it made without the lead. */
export type Told =
  | { readonly type: 'ready' }
  | { readonly type: 'use'; readonly token: number }
  | { readonly type: 'late'; readonly token: number; readonly accepted: boolean }

/** A time in which it may act alone. */
interface Tenure {
  readonly token: number
  /** How much of it is left, by the clock now; 0 when it is over. */
  readonly leftMs: () => number
}

const ACT_MS = 10
const AGAIN_MS = 50
const CALL_MS = 2_000
/** On a busy machine replicas may take their time. */
const CONNECT_MS = 60_000
const LOCK_WAIT_MS = 60_000
const STDOUT = 1

const plan = JSON.parse(process.argv[2] ?? '{}') as HolderPlan
const { name: node, group, leaseMs, key } = plan

/** At once, so that nothing that happened is lost with the process. */
function tell(line: HistoryLine | Told): void {
  writeSync(STDOUT, `${JSON.stringify(line)}\n`)
}

let processes = plan.firstProcess

/** For something that goes on beside everything else. */
function historian(): RegisterHistorian {
  return new RegisterHistorian(processes++, tell)
}

/** The token under which it acts now, if it does. */
let acting: number | undefined
/** It was asked to stop, and acts no more. */
let isEnding = false

async function lead(held: Tenure, register: CpKeyspace<string>): Promise<void> {
  const { token } = held
  const leftMs = (): number => (isEnding ? 0 : held.leftMs())
  const tenure = { token, leftMs }
  acting = token
  const of = { group, node, term: token } as const
  tell({ type: 'elected', ...of, time: nowMs() })
  tellHeld(tenure)
  const history = historian()
  let seen: Held | undefined
  let count = 0
  while (leftMs() > 0) {
    seen ??= await history.read(register, key)
    const start = nowMs()
    if (seen === undefined || leftMs() === 0) {
      await sleep(ACT_MS)
      continue
    }
    const value = `${node}:${token}:${++count}`
    const end: ChangeEnd | undefined = await change({ history, register, token, value, expected: seen })
    if (end?.kind === 'ok' && leftMs() > 0) {
      const time = nowMs()
      tell({ type: 'ack', ...of, seq: end.held.revision, start, time })
      tellHeld(tenure)
      if (count % 10 === 1) tell({ type: 'use', token })
    }
    // After an unknown end, whatever it came to has to be looked up.
    seen = end?.kind === 'ok' || end?.kind === 'precondition' ? end.held : undefined
    await sleep(ACT_MS)
  }
  acting = undefined
  if (isEnding) return
  tell({ type: 'stepdown', ...of, time: nowMs() })
  // Beside what comes next: it may well hold the lead again before this is answered.
  void actLate(token, register)
}

function tellHeld({ token, leftMs }: Tenure): void {
  const time = nowMs()
  const left = leftMs()
  if (left > 0) tell({ type: 'granted', lock: group, holder: node, token, time, until: time + left })
}

/** As somebody would who slept between his last look at the clock and his write, which only its token can stop. */
async function actLate(token: number, register: CpKeyspace<string>): Promise<void> {
  tell({ type: 'use', token })
  const history = historian()
  for (let attempt = 0; ; attempt++) {
    const start = nowMs()
    const end = await change({ history, register, token, value: `${node}:${token}:late-${attempt}` })
    if (end?.kind === 'ok') {
      tell({ type: 'ack', group, node, term: token, seq: end.held.revision, start, time: nowMs() })
    }
    if (end?.kind === 'ok' || end?.kind === 'fenced') {
      tell({ type: 'late', token, accepted: end.kind === 'ok' })
      return
    }
    // Cut off still, or nobody knows: tried again with another value, until replicas decide.
    await sleep(AGAIN_MS)
  }
}

interface Act {
  readonly history: RegisterHistorian
  readonly register: CpKeyspace<string>
  readonly token: number
  readonly value: string
  readonly expected?: Held
}

async function change({ history, register, token, ...what }: Act): Promise<ChangeEnd | undefined> {
  const planned = await history.plan(register, { key, fence: token, ...what })
  return planned && history.change(register, planned)
}

function stand(client: Client, register: CpKeyspace<string>): void {
  const seat = client.campaign(group, { leaseMs })
  seat.on('elected', ({ generation }) => {
    const leftMs = (): number => (seat.generation === generation ? seat.leaseLeftMs : 0)
    void lead({ token: generation, leftMs }, register)
  })
}

async function queue(client: Client, register: CpKeyspace<string>): Promise<void> {
  for (;;) {
    try {
      await client.withLock(group, ({ token, remainingMs }) => lead({ token, leftMs: remainingMs }, register), {
        leaseMs,
        timeoutMs: LOCK_WAIT_MS,
      })
    } catch (error) {
      if (!(error instanceof QuorateError)) throw error
      await sleep(AGAIN_MS)
    }
  }
}

const { replicas, heartbeatMs, keyspace, n } = plan
const client = await connect({
  id: node,
  replicas,
  heartbeatMs,
  timeoutMs: CONNECT_MS,
  transport: { backoffMsMax: 100 },
})
const register = client.keyspace<string>(keyspace, { mode: 'cp', n, timeoutMs: CALL_MS })
if (plan.by === 'seat') stand(client, register)
else void queue(client, register)
process.once('SIGTERM', () => {
  if (acting !== undefined) tell({ type: 'released', lock: group, holder: node, token: acting, time: nowMs() })
  isEnding = true
  void client.close().then(() => process.exit())
})
tell({ type: 'ready' })
