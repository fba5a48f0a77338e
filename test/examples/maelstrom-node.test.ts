/**
 * examples/maelstrom-node: three processes that speak Maelstrom's protocol, over a network that delays, loses and cuts
 * what they say to each other. What their clients see is linearizable.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ERROR, type Body } from '../../examples/maelstrom-node/messages.ts'
import { checkLinearizable, type RegisterLine } from '../../src/check/index.ts'
import { Random } from '../../src/core/base/random.ts'
import { Router } from './router.ts'

const NODES = ['n1', 'n2', 'n3'] as const
const SEED = Number(process.env['MAELSTROM_SEED'] ?? Date.now() % 1_000_000)
const SLOW = { timeout: 240_000 }
/** As Maelstrom's clients. */
const ANSWER_MS = 1_000
const PATIENT_MS = 60_000

let router: Router
let random: Random

beforeEach(() => {
  random = new Random(SEED)
})

afterEach(() => router.kill())

async function started(network: { readonly delayMs: number; readonly lossRate: number }): Promise<void> {
  router = new Router({ nodes: NODES, random: random.fork(), ...network })
  await router.init()
  // Replicas ask each other first whether they have forgotten anything.
  for (const node of NODES) await eventually(node, { type: 'write', key: node, value: 0 }, 'write_ok')
}

/** Asks until the answer is of this type. */
async function eventually(node: string, body: Body, type: string): Promise<void> {
  for (const deadline = performance.now() + PATIENT_MS; performance.now() < deadline;) {
    if ((await router.ask('c0', node, body, ANSWER_MS))?.type === type) return
  }
  throw new Error(`${node} did not come to ${type}: ${router.logged.slice(-5).join('\n')}`)
}

const ask = (node: string, body: Body): Promise<Body | undefined> => router.ask('c0', node, body, PATIENT_MS)

describe.skipIf(process.platform === 'win32')('one request after the other', () => {
  test('lin-kv: reads, writes and compares are answered as the workload asks, through any node', SLOW, async () => {
    await started({ delayMs: 2, lossRate: 0 })
    expect(await ask('n1', { type: 'read', key: 7 })).toMatchObject({ type: 'error', code: ERROR.keyDoesNotExist })
    const cas = { type: 'cas', key: 7, from: 1, to: 2 }
    expect(await ask('n2', cas)).toMatchObject({ type: 'error', code: ERROR.keyDoesNotExist })
    expect(await ask('n1', { type: 'write', key: 7, value: 1 })).toMatchObject({ type: 'write_ok' })
    expect(await ask('n2', cas)).toMatchObject({ type: 'cas_ok' })
    expect(await ask('n3', cas)).toMatchObject({ type: 'error', code: ERROR.preconditionFailed })
    expect(await ask('n3', { type: 'read', key: 7 })).toMatchObject({ type: 'read_ok', value: 2 })
    expect(await ask('n3', { type: 'read', key: '7' })).toMatchObject({ code: ERROR.keyDoesNotExist })
    await router.close()
  })

  test('what makes no sense: is answered with a definite code or dropped, and the node goes on', SLOW, async () => {
    await started({ delayMs: 2, lossRate: 0 })
    expect(await ask('n1', { type: 'append', key: 7 })).toMatchObject({ type: 'error', code: ERROR.notSupported })
    expect(await ask('n1', { type: 'write', key: 7 })).toMatchObject({ type: 'error', code: ERROR.malformedRequest })
    const long = { type: 'write', key: 'k'.repeat(5_000), value: 1 }
    expect(await ask('n1', long)).toMatchObject({ type: 'error', code: ERROR.malformedRequest })
    for (const line of ['', 'nonsense', 'null', '[]', '{"src":"n2","dest":"n1"}', '{"src":1,"dest":"n1","body":{}}']) {
      router.say('n1', line)
    }
    router.tell('n2', 'n1', { type: 'quorate-requests', frame: 'bm9uc2Vuc2U=' })
    router.tell('n2', 'n1', { type: 'quorate-answers', frame: 7 })
    router.tell('n9', 'n1', { type: 'quorate-requests', frame: 'bm9uc2Vuc2U=' })
    router.tell('c0', 'n1', { type: 'read', key: 7 })
    expect(await ask('n1', { type: 'read', key: 'n1' })).toMatchObject({ type: 'read_ok', value: 0 })
    expect(router.logged.filter((line) => line.includes('was dropped')).length).toBeGreaterThanOrEqual(8)
    expect(router.logged.filter((line) => line.includes('was refused')).length).toBe(1)
    await router.close()
  })
})

/** Values as Maelstrom's: few, so that they repeat. */
const VALUES = 5
const CLIENTS = 6
/** After so many requests a client goes on to another key. */
const REQUESTS_A_KEY = 25

class LinKvClient {
  readonly lines: RegisterLine[] = []
  readonly #process: number
  readonly #random = random.fork()
  #count = 0

  constructor(process: number) {
    this.#process = process
  }

  async run(isOver: () => boolean): Promise<void> {
    const node = NODES[this.#process % NODES.length] as string
    while (!isOver()) {
      await this.#request(node, Math.floor(this.#count++ / REQUESTS_A_KEY))
      await new Promise((resolve) => setTimeout(resolve, this.#random.fraction() * 20))
    }
  }

  async #request(node: string, key: number): Promise<void> {
    const f = this.#random.pick(['read', 'write', 'cas'] as const)
    const [a, b] = [this.#random.below(VALUES), this.#random.below(VALUES)]
    const value = f === 'read' ? null : f === 'write' ? a : [a, b]
    const body = { read: { key }, write: { key, value: a }, cas: { key, from: a, to: b } }[f]
    this.#note('invoke', { f, key: String(key), value })
    const answer = await router.ask(`c${this.#process + 1}`, node, { type: f, ...body }, ANSWER_MS)
    this.#completed({ f, key: String(key), value }, answer)
  }

  #completed(asked: { f: string; key: string; value: unknown }, answer: Body | undefined): void {
    const code = answer?.type === 'error' ? answer['code'] : undefined
    if (answer !== undefined && code === undefined) {
      this.#note('ok', asked.f === 'read' ? { ...asked, value: answer['value'] } : asked)
    } else if (code === ERROR.keyDoesNotExist && asked.f === 'read') this.#note('ok', asked)
    else if (code === ERROR.keyDoesNotExist) this.#note('fail', asked, { reason: 'precondition', current: null })
    else if (code === ERROR.preconditionFailed) this.#note('fail', asked, { reason: 'precondition' })
    else if (answer === undefined || code === ERROR.timeout || code === ERROR.crash) this.#note('info', asked)
    else this.#note('fail', asked, { reason: `code ${String(code)}` })
  }

  #note(type: string, fields: object, more: object = {}): void {
    const time = Math.round(performance.now() * 1e6)
    this.lines.push({ type, process: this.#process, time, ...fields, ...more } as RegisterLine)
  }
}

/** What does not arrive, one after the other. */
const CUTS: readonly (readonly [name: string, isCut: (from: string, to: string) => boolean])[] = [
  ['nothing is cut', () => false],
  ['n1 alone', (from, to) => from === 'n1' || to === 'n1'],
  ['nothing is cut again', () => false],
  ['n2 is not heard', (from) => from === 'n2'],
  ['n2 does not hear', (_, to) => to === 'n2'],
  ['n1 and n3 have n2 in between', (from, to) => from !== 'n2' && to !== 'n2'],
  ['each alone', () => true],
  ['nothing is cut at last', () => false],
]
/** At least, and until so many requests have ended. */
const CUT_MS = 1_000
const REQUESTS_A_CUT = 60

describe.skipIf(process.platform === 'win32')('many clients at once', () => {
  test(
    'delays, losses, partitions: what clients see is linearizable, and afterwards all nodes serve',
    SLOW,
    async () => {
      console.log(`MAELSTROM_SEED=${SEED}`)
      await started({ delayMs: 20, lossRate: 0.02 })
      let isOver = false
      const clients = Array.from({ length: CLIENTS }, (_, process) => new LinKvClient(process))
      const ended = (): number => clients.reduce((sum, { lines }) => sum + (lines.length >> 1), 0)
      const running = Promise.all(clients.map((client) => client.run(() => isOver)))
      for (const [, isCut] of CUTS) {
        router.cut(isCut)
        const enough = ended() + REQUESTS_A_CUT
        await new Promise((resolve) => setTimeout(resolve, CUT_MS))
        while (ended() < enough) await new Promise((resolve) => setTimeout(resolve, 50))
      }
      for (const node of NODES) await eventually(node, { type: 'write', key: 'last', value: 1 }, 'write_ok')
      isOver = true
      await running
      const history = clients.flatMap(({ lines }) => lines).toSorted((a, b) => a.time - b.time)
      const verdict = checkLinearizable(history)
      const count = (type: string, reason?: string): number =>
        history.filter(
          (line) => line.type === type && (reason === undefined || ('reason' in line && line.reason === reason)),
        ).length
      console.log(`${count('ok')} ok, ${count('fail')} fail, ${count('info')} info, ${verdict.checked} judged`)
      expect(verdict.violations).toEqual([])
      expect(verdict.undecided).toEqual([])
      expect(count('ok')).toBeGreaterThan(100)
      expect(count('fail', 'precondition')).toBeGreaterThan(20)
      // Who is cut off says so, or does not know.
      expect(count('fail', `code ${ERROR.temporarilyUnavailable}`) + count('info')).toBeGreaterThan(0)
      await router.close()
    },
  )
})
