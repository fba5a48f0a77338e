/**
 * What a judge says: which promises were broken, by which lines, and how much was looked at.
 */

/** One broken promise. */
export interface Violation {
  /** Which rule was broken. The judge's description says what each of its rules means. */
  readonly rule: string
  readonly key: string
  /** A sentence with the values and lines involved. */
  readonly message: string
  /** The history's lines involved, counted from 1. */
  readonly lines: readonly number[]
}

export interface Verdict {
  /** No violation was found. Worth nothing when `checked` is 0. */
  readonly ok: boolean
  readonly violations: readonly Violation[]
  /** How many observations the rules could really judge, so that a judge that looked at nothing is noticed. */
  readonly checked: number
}

/** What a judge collects while it reads. */
export class Findings {
  readonly #violations: Violation[] = []
  #checked = 0

  /** Notes that observations were judged. */
  count(observations: number): void {
    this.#checked += observations
  }

  add({ lines, ...violation }: Violation): void {
    this.#violations.push({ ...violation, lines: [...new Set(lines)].toSorted((a, b) => a - b) })
  }

  verdict(): Verdict {
    return { ok: this.#violations.length === 0, violations: this.#violations, checked: this.#checked }
  }
}
