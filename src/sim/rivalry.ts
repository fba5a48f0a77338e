/**
 * Several coordinators open one keyspace with different options, at once and later, while faults go on. At most one
 * definition may ever be agreed on: quorums that do not meet across coordinators are as bad as those that never meet.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Random } from '../core/base/random.ts'
import { definitionText, type KeyspaceDefinition } from '../core/keyspace-definition.ts'
import type { OpenResult } from '../core/operation/open.ts'
import type { Host } from './host.ts'
import type { Simulator } from './simulator.ts'

export interface RivalryParts {
  readonly simulator: Simulator
  readonly random: Random
  readonly hosts: readonly Host[]
  /** One of the definitions; the other asks for other quorums. */
  readonly definition: KeyspaceDefinition
  /** How long openings go on. */
  readonly durationMs: number
}

const NAMES = ['rival1', 'rival2']
const TIMEOUT_MS = 2000

export class Rivalry {
  /** Two definitions of one name that were both agreed on. */
  readonly problems: string[] = []
  readonly #parts: RivalryParts
  readonly #agreed = new Map<string, string>()

  constructor(parts: RivalryParts) {
    this.#parts = parts
  }

  /** Plans a few openings, most of them in pairs. */
  start(): void {
    const { simulator, random, durationMs } = this.#parts
    for (let i = 2 + random.below(3); i > 0; i--) {
      const name = random.pick(NAMES)
      const atMs = random.fraction() * durationMs
      for (let rivals = 1 + random.below(3); rivals > 0; rivals--) {
        simulator.after(atMs + random.fraction() * 20, () => this.#open(name))
      }
    }
  }

  #open(name: string): void {
    const { random, hosts } = this.#parts
    const ready = hosts.filter((host) => host.isReady)
    if (ready.length === 0) return
    const definition = this.#definition(name)
    random.pick(ready).ask(
      ({ tag }) => ({ kind: 'open', tag, name, definition, timeoutMs: TIMEOUT_MS }),
      (result) => this.#opened(name, result),
    )
  }

  /** One of two, or none to take what there is. */
  #definition(name: string): KeyspaceDefinition | undefined {
    const { random, definition } = this.#parts
    const kind = random.below(5)
    if (kind === 0) return undefined
    const { n } = definition
    const [read, write] = kind < 3 ? [1, n] : [n, 1]
    return { ...definition, name, read: String(read), write: String(write) }
  }

  #opened(name: string, result: unknown): void {
    if (typeof result !== 'object' || result === null || result instanceof QuorateError) return
    const { definition } = result as OpenResult
    if (definition === undefined) return
    const text = definitionText(definition)
    const before = this.#agreed.get(name)
    if (before === undefined) this.#agreed.set(name, text)
    else if (before !== text) this.problems.push(`keyspace ${name} was opened as ${before} and as ${text}`)
  }
}
