/**
 * Linearizability straight from its definition: every order of the operations is tried. It shares no code with the
 * judge, understands histories whose lines stand in order of time and whose operations are not retried, and is fit for
 * some ten operations.
 */
import type { RegisterLine } from '../../src/check/index.ts'

interface Step {
  readonly begins: number
  /** Infinity when the outcome is unknown. */
  readonly ends: number
  /** When it was given up. */
  readonly abandoned: number
  readonly isLook: boolean
  /** What the register holds afterwards; `undefined` where the answer does not fit. */
  readonly apply: (state: string) => string | undefined
}

export function isLinearizable(lines: readonly RegisterLine[], { settling }: { readonly settling: boolean }): boolean {
  const steps = stepsOf(lines)
  const dead = new Set<string>()
  const canEnd = (left: readonly Step[], state: string): boolean => {
    if (left.every(({ ends }) => ends === Infinity)) return true
    const name = `${state}|${left.map((step) => steps.indexOf(step)).join(',')}`
    if (dead.has(name)) return false
    const firstEnd = Math.min(...left.map(({ ends }) => ends))
    for (const step of left) {
      if (step.begins > firstEnd) continue
      const after = step.apply(state)
      if (after === undefined) continue
      const rest = left.filter((other) => other !== step && !(settling && step.isLook && other.abandoned < step.begins))
      if (canEnd(rest, after)) return true
    }
    dead.add(name)
    return false
  }
  return canEnd(steps, 'null')
}

function stepsOf(lines: readonly RegisterLine[]): Step[] {
  const steps: Step[] = []
  for (const [begins, line] of lines.entries()) {
    if (line.type !== 'invoke') continue
    const after = lines.findIndex(
      ({ process, type }, at) => at > begins && process === line.process && type !== 'invoke',
    )
    const end = lines[after]
    const isInfo = end === undefined || end.type === 'info'
    const unknown = { begins, ends: Infinity, abandoned: end === undefined ? Infinity : after }
    const answered = { begins, ends: after, abandoned: Infinity }
    const text = (value: unknown): string => JSON.stringify(value ?? null)
    if (line.f === 'read') {
      if (end?.type !== 'ok') continue
      steps.push({ ...answered, isLook: true, apply: (state) => (state === text(end.value) ? state : undefined) })
    } else if (line.f === 'cas' && end?.type === 'fail' && end.reason === 'precondition') {
      const [from] = line.value
      const apply = (state: string): string | undefined => {
        if (state === text(from)) return undefined
        return end.current === undefined || state === text(end.current) ? state : undefined
      }
      steps.push({ ...answered, isLook: true, apply })
    } else if (end?.type !== 'fail') {
      const apply = (state: string): string | undefined => {
        if (line.f !== 'cas') return text(line.value)
        return state === text(line.value[0]) ? text(line.value[1]) : undefined
      }
      steps.push({ ...(isInfo ? unknown : answered), isLook: false, apply })
    }
  }
  return steps
}
