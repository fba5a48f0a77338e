/** The house rules about the source itself: which way imports point, what the core may not know, size and shape. */
import path from 'node:path'
import { codeOf, functionsOf, importsOf, lineAt } from './scan.ts'

/** A source file, its path relative to `src` and with forward slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

export interface Finding {
  readonly path: string
  readonly line: number
  readonly problem: string
}

type Report = (line: number, problem: string) => void

const VALUES = ['base', 'quorum', 'causality']
const CONTRACTS = [...VALUES, 'record', 'contract']
const CORE = [...CONTRACTS, 'placement', 'consensus', 'repair', 'operation', 'machine']
const HOSTED = [...CORE, 'systems', 'runtime']

/** Which places each place may import, itself apart. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  quorum: ['base'],
  causality: ['base', 'record'],
  record: VALUES,
  contract: [...CONTRACTS, 'repair'],
  placement: CONTRACTS,
  consensus: [...CONTRACTS, 'placement'],
  repair: [...CONTRACTS, 'placement', 'consensus'],
  operation: [...CONTRACTS, 'placement', 'consensus', 'repair'],
  machine: CORE,
  systems: ['base', 'quorum'],
  check: ['base', 'quorum'],
  predict: ['base', 'quorum'],
  runtime: [...CORE, 'systems'],
  sim: [...CORE, 'systems', 'check'],
  testing: HOSTED,
  dashboard: HOSTED,
  index: HOSTED,
  cli: [...HOSTED, 'sim', 'check', 'predict', 'dashboard', 'index'],
}

/**
 * Allowed for types alone: causality merges records but makes no part of them; messages carry what an exchange says; the
 * simulator judges no history.
 */
const TYPES_ONLY = new Set(['causality -> record', 'contract -> repair', 'sim -> check'])

/** In which room of the house a file stands; `undefined` when there is no such room. */
function placeOf(file: string): string | undefined {
  const [top, second, ...rest] = file.split('/')
  if (second === undefined) return top === 'index.ts' ? 'index' : undefined
  // The folder of whole systems, not the room of that name in the core.
  if (top === 'quorum') return 'systems'
  if (top !== 'core') return top
  if (rest.length > 0) return second
  if (/^(?:coordinator|replica)\b/.test(second)) return 'machine'
  return second === 'record.ts' ? 'record' : 'contract'
}

function checkDirection(file: SourceFile, report: Report): void {
  const place = placeOf(file.path)
  const allowed = place === undefined ? undefined : MAY_IMPORT[place]
  if (place === undefined || allowed === undefined) {
    report(1, 'stands in a folder that the house does not have')
    return
  }
  for (const { specifier, typeOnly, line } of importsOf(file.text)) {
    if (!specifier.startsWith('.')) {
      if (file.path.startsWith('core/')) report(line, `the core imports ${specifier}`)
      continue
    }
    const target = placeOf(path.posix.join(path.posix.dirname(file.path), specifier)) ?? specifier
    if (target !== place && !allowed.includes(target)) report(line, `wrong arrow: ${place} -> ${target}`)
    const arrow = `${place} -> ${target}`
    if (TYPES_ONLY.has(arrow) && !typeOnly) report(line, `${arrow} is for \`import type\` alone`)
  }
}

/** What would let time, chance or the machine into the core, past its inputs. */
const BANNED = new RegExp(
  `\\b(?:Promise|async|await|setTimeout|setInterval|setImmediate|queueMicrotask|Date|Math\\s*\\.\\s*random|process|` +
    `console|Buffer|performance|crypto|fetch|globalThis)\\b`,
  'g',
)

function checkWords(file: SourceFile, report: Report): void {
  if (!file.path.startsWith('core/')) return
  const code = codeOf(file.text)
  for (const match of code.matchAll(BANNED)) report(lineAt(code, match.index), `banned in the core: ${match[0]}`)
}

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 60

function checkSize(file: SourceFile, report: Report): void {
  const lines = file.text.trimEnd().split('\n').length
  if (lines > FILE_LINES_MAX) report(1, `${lines} lines, at most ${FILE_LINES_MAX}`)
  for (const span of functionsOf(file.text)) {
    if (span.lines <= FUNCTION_LINES_MAX) continue
    report(span.line, `a function of ${span.lines} lines, at most ${FUNCTION_LINES_MAX}`)
  }
}

const DRAWER = /(?:^|\/)(?:utils?|helpers?|commons?|types?|managers?)(?:\.ts$|\/)/

function checkShape(file: SourceFile, report: Report): void {
  if (DRAWER.test(file.path)) report(1, 'named after no idea (utils, helpers, common, types, manager)')
  const code = codeOf(file.text)
  for (const match of code.matchAll(/\bexport\s+default\b|\bas\s+default\b/g)) {
    report(lineAt(code, match.index), 'a default export')
  }
  for (const match of code.matchAll(/\benum\s+\w+\s*\{/g)) report(lineAt(code, match.index), 'an enum')
}

function checkHead(file: SourceFile, report: Report): void {
  const head = /^(?:#!.*\n)?\/\*\*[^]*?\*\//.exec(file.text)?.[0]
  if (head === undefined) {
    report(1, 'opens without a head comment')
  } else if (file.path.startsWith('core/') && !/\bRing: (?:values|decisions|machines)\b/.test(head)) {
    report(1, 'its head comment does not say "Ring: values", "Ring: decisions" or "Ring: machines"')
  }
}

/** Everything in `files` that breaks a rule. */
export function findings(files: readonly SourceFile[]): Finding[] {
  const found: Finding[] = []
  for (const file of files) {
    const report: Report = (line, problem) => found.push({ path: file.path, line, problem })
    for (const check of [checkDirection, checkWords, checkSize, checkShape, checkHead]) check(file, report)
  }
  return found
}
