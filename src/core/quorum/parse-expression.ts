/**
 * Expressions from text: `2 of (a, b, c) and (d or e)`.
 *
 * Names are those of nodes. `and` binds tighter than `or`; `K of (…)`, `majority of`, `all of` and `any of` take a list;
 * `a*2` in a list has two votes; `@eu` in a list, or as the list, stands for the nodes of zone eu. Errors show the place.
 * Ring: values.
 */
import { invalid, QuorateError } from '../base/errors.ts'
import { shown } from '../base/shape.ts'
import { and, name, normalised, or, totalOf, weighted, WEIGHT_MAX, type Expression, type Part } from './expression.ts'
import { majorityOf, POSITIONS_MAX } from './quorum.ts'

export interface ParseOptions {
  /** The nodes of each zone, for `@zone`. None by default. */
  readonly zones?: Readonly<Record<string, readonly string[]>>
  /** The nodes that there are; any other name is refused. Without it every name will do. */
  readonly nodes?: readonly string[]
  /**
   * Whether zones that are not given will do, for a look at the text alone: whether it can be met is then not looked
   * at, and the expression stands for nothing. False by default.
   */
  readonly anyZone?: boolean
}

const EXPRESSION_CHARS_MAX = 4096
const NESTING_MAX = 32
const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

/** Words of the language, which cannot be names of nodes. */
const RESERVED_WORDS: ReadonlySet<string> = new Set(['and', 'or', 'of', 'all', 'any', 'majority'])
const QUANTITIES: ReadonlySet<string> = new Set(['all', 'any', 'majority'])

/** Throws `QUORATE_INVALID_OPTION` for a name that could not be read back from an expression. */
export function checkNodeName(node: unknown): asserts node is string {
  const wrong = wrongName(node)
  if (wrong !== undefined) throw invalid(wrong)
}

function wrongName(node: unknown): string | undefined {
  if (typeof node === 'string' && NODE_NAME.test(node) && !RESERVED_WORDS.has(node)) return undefined
  return (
    `${shown(node)} is no name of a node: use up to 64 letters, digits, dots, dashes, underscores, ` +
    `and none of ${[...RESERVED_WORDS].join(', ')}`
  )
}

interface Token {
  readonly kind: 'word' | 'zone' | 'mark' | 'end'
  readonly text: string
  readonly at: number
}

/** The normalised expression. Throws `QUORATE_INVALID_OPTION`, with the column and the place marked under the text. */
export function parseExpression(text: string, options: ParseOptions = {}): Expression {
  if (typeof text !== 'string') throw invalid(`a quorum is written as text such as "2 of (a, b, c)"`)
  if (text.length > EXPRESSION_CHARS_MAX) {
    throw new QuorateError(
      'QUORATE_LIMIT',
      `a quorum expression of ${text.length} characters is longer than ${EXPRESSION_CHARS_MAX}: ` +
        'use K of (…) rather than writing out sets',
    )
  }
  return new Parser(text, options).parse()
}

/**
 * The same text with one space where spaces are wanted and none elsewhere, so that texts that differ in their spaces
 * alone are equal. For texts with zones, whose nodes differ from key to key.
 */
export function spacedText(text: string): string {
  return tokensOf(text)
    .slice(0, -1)
    .map((token) => token.text)
    .join(' ')
    .replaceAll('( ', '(')
    .replaceAll(/ ([),*])/g, '$1')
    .replaceAll('* ', '*')
}

const ZONE = /^@[A-Za-z0-9_.-]+$/
const TOKEN = /[A-Za-z0-9][A-Za-z0-9_.-]*|@[A-Za-z0-9_.-]*|[(),*]/y

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at++
    if (at === text.length) break
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)?.[0]
    if (found === undefined) throw misplaced({ text, at, why: `unexpected ${JSON.stringify(text[at])}` })
    const kind = '(),*'.includes(found) ? 'mark' : found.startsWith('@') ? 'zone' : 'word'
    tokens.push({ kind, text: found, at })
    at += found.length
  }
  tokens.push({ kind: 'end', text: 'the end', at })
  return tokens
}

/** How much of the text is shown on each side of the place. */
const SHOWN_CHARS = 60

function misplaced(place: { readonly text: string; readonly at: number; readonly why: string }): QuorateError {
  const { text, at, why } = place
  const from = Math.max(0, at - SHOWN_CHARS)
  const excerpt = text.slice(from, at + SHOWN_CHARS).replaceAll(/\s/g, ' ')
  return invalid(`column ${at + 1}: ${why}\n  ${excerpt}\n  ${' '.repeat(at - from)}^`)
}

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  readonly #zones: ReadonlyMap<string, readonly string[]>
  readonly #nodes: ReadonlySet<string> | undefined
  readonly #anyZone: boolean
  readonly #names = new Set<string>()
  #next = 0
  #depth = 0
  /** How deep the last `and` or `or` was that was not in parentheses of its own. */
  #joinedAt = -1

  constructor(text: string, options: ParseOptions) {
    this.#text = text
    this.#tokens = tokensOf(text)
    this.#zones = new Map(Object.entries(options.zones ?? {}))
    this.#nodes = options.nodes === undefined ? undefined : new Set(options.nodes)
    this.#anyZone = options.anyZone ?? false
  }

  parse(): Expression {
    const expression = this.#any()
    if (this.#peek().kind !== 'end') throw this.#unexpected('and, or, or the end')
    return normalised(expression)
  }

  #any(): Expression {
    return this.#chain('or', () => this.#chain('and', () => this.#primary()))
  }

  #chain(word: 'and' | 'or', inner: () => Expression): Expression {
    const parts = [inner()]
    while (this.#peek().text === word) {
      this.#next++
      parts.push(inner())
    }
    if (parts.length === 1) return parts[0] as Expression
    this.#joinedAt = this.#depth
    return word === 'and' ? and(parts) : or(parts)
  }

  #primary(): Expression {
    const token = this.#peek()
    if (token.text === '(') return this.#inParentheses()
    if (token.kind === 'zone') throw this.#error(token, `a zone is a list: write any of ${token.text}, or all of it`)
    if (token.kind !== 'word') throw this.#unexpected('a node, K of (…), or a parenthesis')
    if (QUANTITIES.has(token.text) || this.#tokens[this.#next + 1]?.text === 'of') return this.#quantified()
    if (RESERVED_WORDS.has(token.text)) throw this.#unexpected('a node, K of (…), or a parenthesis')
    this.#next++
    return this.#name(token)
  }

  #inParentheses(): Expression {
    this.#enter()
    const expression = this.#any()
    if (this.#peek().text === ',') {
      throw this.#error(this.#peek(), 'a list needs a number before it: 1 of (…), majority of (…), all of (…)')
    }
    this.#leave('and, or, or )')
    return expression
  }

  #quantified(): Expression {
    const quantity = this.#peek()
    this.#next++
    if (this.#peek().text !== 'of') throw this.#unexpected(`of after ${quantity.text}`)
    this.#next++
    const start = this.#peek()
    const parts = this.#list()
    if (parts.length === 0) throw this.#error(start, 'the list is empty: name at least one node')
    return weighted(this.#required(quantity, totalOf(parts)), parts)
  }

  #required(quantity: Token, total: number): number {
    switch (quantity.text) {
      case 'all':
        return total
      case 'any':
        return 1
      case 'majority':
        return majorityOf(total)
      default: {
        const required = wholeNumber(quantity.text)
        if (required === undefined || required < 1) {
          const use = /^\d/.test(quantity.text) ? `a whole number from 1 to ${total}` : 'K, all, any or majority'
          throw this.#error(quantity, `${quantity.text} of a list cannot be: use ${use}`)
        }
        if (required <= total || this.#anyZone) return Math.min(required, total)
        throw this.#error(quantity, `${required} of a list with ${total} votes cannot be: use 1 to ${total}`)
      }
    }
  }

  #list(): Part[] {
    const first = this.#peek()
    const parts: Part[] = []
    const named = new Set<string>()
    if (first.kind === 'zone') {
      this.#zone(parts, named)
      return parts
    }
    if (first.text !== '(') throw this.#unexpected('a list in parentheses, or @ and a zone')
    this.#enter()
    if (this.#peek().text === ')') throw this.#error(first, 'the list is empty: name at least one node')
    this.#item(parts, named)
    while (this.#peek().text === ',') {
      this.#next++
      this.#item(parts, named)
    }
    this.#leave('a comma or )')
    return parts
  }

  #item(parts: Part[], named: Set<string>): void {
    const start = this.#peek()
    if (start.kind === 'zone') {
      this.#zone(parts, named)
      return
    }
    this.#joinedAt = -1
    const expression = this.#any()
    if (this.#peek().text === '*' && this.#joinedAt === this.#depth) {
      throw this.#error(this.#peek(), 'put what has the weight in parentheses: (a and b)*2')
    }
    if (expression.kind === 'name') this.#once(start, expression.name, named)
    parts.push({ expression, weight: this.#weight() })
  }

  #zone(parts: Part[], named: Set<string>): void {
    const token = this.#peek()
    const members = this.#zones.get(token.text.slice(1)) ?? (this.#anyZone ? ['any'] : undefined)
    if (members === undefined) {
      const known = Array.from(this.#zones.keys(), (zone) => `@${zone}`)
        .filter((zone) => ZONE.test(zone))
        .join(', ')
      const none = this.#zones.size === 0 ? 'no zones are given' : 'no zone has a name that can be written here'
      throw this.#error(token, `no zone ${token.text}: ${known === '' ? none : `use ${known}`}`)
    }
    if (members.length === 0) throw this.#error(token, `zone ${token.text} is empty: name at least one node`)
    this.#next++
    const inner = members.map((member) => (this.#anyZone ? name(token.text) : this.#name({ ...token, text: member })))
    const weight = this.#weight()
    members.forEach((member, i) => {
      this.#once(token, this.#anyZone ? token.text : member, named)
      parts.push({ expression: inner[i] as Expression, weight })
    })
  }

  #weight(): number {
    if (this.#peek().text !== '*') return 1
    this.#next++
    const token = this.#peek()
    const weight = token.kind === 'word' ? wholeNumber(token.text) : undefined
    if (weight === undefined || weight < 1 || weight > WEIGHT_MAX) {
      throw this.#error(token, `a weight is a whole number from 1 to ${WEIGHT_MAX}`)
    }
    this.#next++
    return weight
  }

  #once(token: Token, node: string, named: Set<string>): void {
    if (named.has(node)) throw this.#error(token, `${node} stands twice in one list: give it a weight, ${node}*2`)
    named.add(node)
  }

  #name(token: Token): Expression {
    const node = token.text
    const wrong = wrongName(node)
    if (wrong !== undefined) throw this.#error(token, wrong)
    if (this.#nodes !== undefined && !this.#nodes.has(node)) {
      throw this.#error(token, `no node ${node}: use ${[...this.#nodes].join(', ')}`)
    }
    this.#names.add(node)
    if (this.#names.size > POSITIONS_MAX) throw this.#error(token, `more than ${POSITIONS_MAX} nodes`)
    return name(node)
  }

  #enter(): void {
    if (this.#depth++ === NESTING_MAX) throw this.#error(this.#peek(), `nested more than ${NESTING_MAX} deep`)
    this.#next++
  }

  #leave(expected: string): void {
    if (this.#peek().text !== ')') throw this.#unexpected(expected)
    this.#next++
    this.#depth--
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token
  }

  #unexpected(expected: string): QuorateError {
    const token = this.#peek()
    if (token.text === '*')
      return this.#error(token, 'a weight stands in a list, as in 2 of (a*2, b); for both write and')
    return this.#error(token, `unexpected ${token.text}, expected ${expected}`)
  }

  #error(token: Token, why: string): QuorateError {
    return misplaced({ text: this.#text, at: token.at, why })
  }
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined
}
