/**
 * How long one leg of a message takes, as a distribution; and drawing from it, a block at a time.
 *
 * A draw costs one random number and one logarithm: the number picks the component of a mixture, and what is left of it
 * picks the value within that component, by inversion. Nothing is allocated for a draw.
 */
import { invalid } from '../core/base/errors.ts'
import type { Uniforms } from './uniforms.ts'

/** Mean 1 / `lambda` milliseconds; `lambda` in 1/ms. */
export interface Exponential {
  readonly kind: 'exponential'
  readonly lambda: number
}

/** At least `xm` milliseconds, and longer than x with probability (xm / x) ^ `alpha`. */
export interface Pareto {
  readonly kind: 'pareto'
  readonly xm: number
  readonly alpha: number
}

/** Anything from `minMs` to `maxMs`, all equally likely. */
export interface Uniform {
  readonly kind: 'uniform'
  readonly minMs: number
  readonly maxMs: number
}

/** Always `ms` milliseconds. */
export interface Constant {
  readonly kind: 'constant'
  readonly ms: number
}

/** What was measured: each of these milliseconds is equally likely. */
export interface Samples {
  readonly kind: 'samples'
  readonly ms: ArrayLike<number>
}

export type Simple = Exponential | Pareto | Uniform | Constant | Samples

/** One of several, each by its weight; weights are positive and need not add up to 1. */
export interface Mixture {
  readonly mixture: readonly (Simple & { readonly weight: number })[]
}

/** Milliseconds that one leg of a message takes. */
export type Distribution = Simple | Mixture

const COMPONENTS_MAX = 64
const NUMBERS: Readonly<Record<Exclude<Simple['kind'], 'samples'>, readonly string[]>> = {
  exponential: ['lambda'],
  pareto: ['xm', 'alpha'],
  uniform: ['minMs', 'maxMs'],
  constant: ['ms'],
}
const KINDS: readonly string[] = [...Object.keys(NUMBERS), 'samples']
/** What values may be at least: 0, or enough for every draw to be finite. */
const LEAST: Readonly<Record<string, number>> = { minMs: 0, maxMs: 0, ms: 0, alpha: 0.1 }
const LEAST_ELSE = 1e-9
const VALUE_MAX = 1e12

/**
 * Whatever was given, checked.
 *
 * @param name what the message calls it, `latencies.w` say.
 * @throws QuorateError `QUORATE_INVALID_OPTION`, naming the place.
 */
export function checkDistribution(given: unknown, name: string): Distribution {
  const fields = fieldsOf(given, name)
  if (!('mixture' in fields)) return checkSimple(fields, name)
  const { mixture } = fields
  if (!Array.isArray(mixture) || mixture.length === 0 || mixture.length > COMPONENTS_MAX) {
    throw invalid(`${name}.mixture is a list of 1 to ${COMPONENTS_MAX} distributions with weights`)
  }
  for (const [index, component] of (mixture as readonly unknown[]).entries()) {
    const place = `${name}.mixture[${index}]`
    const part = fieldsOf(component, place)
    checkSimple(part, place)
    checkNumber(part['weight'], { name: `${place}.weight`, min: LEAST_ELSE })
  }
  return given as Mixture
}

function fieldsOf(given: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Record<string, unknown>
  throw invalid(`${name} is ${shown(given)}: use a distribution such as { kind: 'exponential', lambda: 0.2 }`)
}

function checkSimple(fields: Readonly<Record<string, unknown>>, name: string): Simple {
  const { kind } = fields
  if (typeof kind !== 'string' || !KINDS.includes(kind)) {
    throw invalid(`${name}.kind is ${shown(kind)}: use ${KINDS.join(', ')}, or a mixture`)
  }
  if (kind === 'samples') checkSamples(fields['ms'], name)
  else {
    for (const field of NUMBERS[kind as keyof typeof NUMBERS]) {
      checkNumber(fields[field], { name: `${name}.${field}`, min: LEAST[field] ?? LEAST_ELSE })
    }
  }
  if (kind === 'uniform' && (fields['minMs'] as number) > (fields['maxMs'] as number)) {
    throw invalid(`${name}.minMs is above ${name}.maxMs`)
  }
  return fields as unknown as Simple
}

function checkSamples(ms: unknown, name: string): void {
  if (!(Array.isArray(ms) || ms instanceof Float64Array) || ms.length === 0) {
    throw invalid(`${name}.ms is a list of at least one measured latency in milliseconds`)
  }
  for (let at = 0; at < ms.length; at++) checkNumber(ms[at], { name: `${name}.ms[${at}]`, min: 0 })
}

/** @throws QuorateError `QUORATE_INVALID_OPTION` unless it is a number from `min` to 10^12. */
export function checkNumber(value: unknown, { name, min }: { readonly name: string; readonly min: number }): void {
  if (typeof value === 'number' && value >= min && value <= VALUE_MAX) return
  throw invalid(`${name} is ${shown(value)}: use a number from ${min} to ${VALUE_MAX}`)
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  // JSON has no NaN and no infinity.
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value).slice(0, 60)
}

const EXPONENTIAL = 0
const PARETO = 1
const UNIFORM = 2
const SAMPLES = 3

/** A distribution made ready: its components in flat tables, so that one loop draws from any mixture of any kinds. */
export class Sampler {
  readonly #kinds: Uint8Array
  readonly #weights: Float64Array
  /** Of an exponential the mean; of a Pareto xm; of a uniform its minimum. */
  readonly #first: Float64Array
  /** Of a Pareto 1 / alpha; of a uniform its width. */
  readonly #second: Float64Array
  readonly #samples: readonly ArrayLike<number>[]

  /** @param distribution one that was checked. */
  constructor(distribution: Distribution) {
    const parts = 'mixture' in distribution ? distribution.mixture : [{ ...distribution, weight: 1 }]
    const total = parts.reduce((sum, { weight }) => sum + weight, 0)
    this.#kinds = Uint8Array.from(parts, ({ kind }) => codeOf(kind))
    this.#weights = Float64Array.from(parts, ({ weight }) => weight / total)
    this.#first = Float64Array.from(parts, firstOf)
    this.#second = Float64Array.from(parts, secondOf)
    this.#samples = parts.map((part) => (part.kind === 'samples' ? part.ms : []))
  }

  /** Draws as many values as `into` holds, at most a block. */
  draw(into: Float64Array, uniforms: Uniforms): void {
    uniforms.draw(into)
    const [kinds, weights, first, second] = [this.#kinds, this.#weights, this.#first, this.#second]
    const last = kinds.length - 1
    for (let at = 0; at < into.length; at++) {
      let u = into[at] as number
      let part = 0
      while (part < last && u >= (weights[part] as number)) u -= weights[part++] as number
      // What is left of u, spread over this component, is uniform again; rounding may lift it to 1, no further.
      u /= weights[part] as number
      if (u >= 1) u = 1 - Number.EPSILON
      const kind = kinds[part]
      if (kind === EXPONENTIAL) into[at] = -Math.log(1 - u) * (first[part] as number)
      else if (kind === PARETO)
        into[at] = (first[part] as number) * Math.exp(-Math.log(1 - u) * (second[part] as number))
      else if (kind === UNIFORM) into[at] = (first[part] as number) + u * (second[part] as number)
      else {
        const samples = this.#samples[part] as ArrayLike<number>
        into[at] = samples[Math.floor(u * samples.length)] as number
      }
    }
  }
}

function codeOf(kind: Simple['kind']): number {
  if (kind === 'exponential') return EXPONENTIAL
  if (kind === 'pareto') return PARETO
  return kind === 'samples' ? SAMPLES : UNIFORM
}

function firstOf(part: Simple): number {
  if (part.kind === 'exponential') return 1 / part.lambda
  if (part.kind === 'pareto') return part.xm
  if (part.kind === 'uniform') return part.minMs
  return part.kind === 'constant' ? part.ms : 0
}

function secondOf(part: Simple): number {
  if (part.kind === 'pareto') return 1 / part.alpha
  return part.kind === 'uniform' ? part.maxMs - part.minMs : 0
}
