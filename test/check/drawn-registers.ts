/**
 * Histories of one register, drawn: operations take effect on a real value, at a moment between their start and their
 * end, and some of the answers are made up.
 */
import type { RegisterLine, RegisterValue } from '../../src/check/index.ts'
import type { Choices } from './choices.ts'

export interface DrawnOptions {
  readonly processes: number
  /** Written values are drawn from so many, or are all different. */
  readonly values: number | 'unique'
  readonly operationsMax: number
  /** One answer in so many is made up. Never when left out. */
  readonly lieOneIn?: number
  /** One operation in so many ends as unknown. */
  readonly infoOneIn: number
  /** Whether what was given up takes no effect afterwards. */
  readonly settling?: boolean
}

interface Running {
  readonly process: number
  readonly f: 'read' | 'write' | 'cas' | 'delete'
  readonly from: RegisterValue
  readonly to: RegisterValue
  /** What it will answer, once it has taken effect. */
  answer: { readonly matches: boolean; readonly value: RegisterValue } | undefined
}

export class DrawnRegister {
  readonly lines: RegisterLine[] = []
  readonly #choices: Choices
  readonly #options: DrawnOptions
  readonly #running: Running[] = []
  /** Given up, and still on their way. */
  readonly #astray: Running[] = []
  #value: RegisterValue = null
  #written = 0
  #process: number
  #begun = 0

  constructor(choices: Choices, options: DrawnOptions) {
    this.#choices = choices
    this.#options = options
    this.#process = options.processes
    const idle = Array.from({ length: options.processes }, (_, process) => process)
    while (!choices.isOver) {
      if (idle.length > 0 && choices.oneIn(3) && this.#begun < options.operationsMax) {
        this.#begin(idle.splice(choices.below(idle.length), 1)[0] as number)
        continue
      }
      if (this.#astray.length > 0 && choices.oneIn(8)) this.#takeEffect(this.#takeOne(this.#astray))
      if (this.#running.length === 0) continue
      const running = choices.of(this.#running)
      if (choices.oneIn(options.infoOneIn)) idle.push(this.#giveUp(running))
      else if (running.answer === undefined) this.#takeEffect(running)
      else idle.push(this.#end(running, running.answer))
    }
  }

  #takeOne(list: Running[]): Running {
    return list.splice(this.#choices.below(list.length), 1)[0] as Running
  }

  #begin(process: number): void {
    const f = this.#choices.of(['read', 'read', 'write', 'cas', 'cas', 'delete'] as const)
    const from = this.#choices.oneIn(3) ? this.#drawn() : this.#value
    const to = f === 'delete' ? null : this.#fresh()
    this.#begun++
    this.#running.push({ process, f, from, to, answer: undefined })
    const place = { type: 'invoke', process, key: 'x', time: this.lines.length } as const
    if (f === 'write') this.lines.push({ ...place, f, value: to })
    else if (f === 'cas') this.lines.push({ ...place, f, value: [from, to] })
    else this.lines.push({ ...place, f, value: null })
  }

  #takeEffect(running: Running): void {
    const { f, from, to } = running
    const value = this.#value
    running.answer = { matches: f !== 'cas' || JSON.stringify(from) === JSON.stringify(value), value }
    if (f !== 'read' && running.answer.matches) this.#value = to
  }

  #giveUp(running: Running): number {
    this.#running.splice(this.#running.indexOf(running), 1)
    this.lines.push({ type: 'info', process: running.process, key: 'x', f: running.f, time: this.lines.length })
    if (running.answer === undefined && this.#options.settling !== true) this.#astray.push(running)
    return this.#process++
  }

  #end(running: Running, { matches, value }: NonNullable<Running['answer']>): number {
    const { process, f } = running
    const { lieOneIn } = this.#options
    this.#running.splice(this.#running.indexOf(running), 1)
    const lies = lieOneIn !== undefined && this.#choices.oneIn(lieOneIn)
    const shown = lies ? this.#drawn() : value
    const place = { process, key: 'x', time: this.lines.length }
    if (f === 'read') this.lines.push({ type: 'ok', ...place, f, value: shown })
    else if (matches !== (lies && f === 'cas')) this.lines.push({ type: 'ok', ...place, f })
    else {
      const current = this.#choices.oneIn(2) ? { current: shown } : {}
      this.lines.push({ type: 'fail', ...place, f, reason: 'precondition', ...current })
    }
    return process
  }

  #fresh(): RegisterValue {
    const { values } = this.#options
    return values === 'unique' ? `v${++this.#written}` : 1 + this.#choices.below(values)
  }

  /** A value that may have been there. */
  #drawn(): RegisterValue {
    const { values } = this.#options
    if (values !== 'unique') return this.#choices.oneIn(4) ? null : 1 + this.#choices.below(values)
    return this.#written === 0 || this.#choices.oneIn(4) ? null : `v${1 + this.#choices.below(this.#written)}`
  }
}
