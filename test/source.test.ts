/**
 * The source itself: imports point one way, the core knows neither time nor machine, and everything fits a screen.
 *
 * The checker is itself tested: each rule has cases that it must find, and look-alikes that it must leave alone.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { findings, type SourceFile } from './source/rules.ts'
import { codeOf, functionsOf, importsOf } from './source/scan.ts'

const SOURCE_DIR = fileURLToPath(new URL('../src/', import.meta.url))

function readSource(): SourceFile[] {
  const paths = readdirSync(SOURCE_DIR, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
  return paths.toSorted().map((path) => ({ path, text: readFileSync(SOURCE_DIR + path, 'utf8') }))
}

const HEAD = '/**\n * What it is for.\n * Ring: values.\n */\n'

/** What is found in one file whose head comment is in order. */
function problems(path: string, body: string): string[] {
  return findings([{ path, text: HEAD + body }]).map(({ problem }) => problem)
}

function linesOf(count: number): string {
  return '  step()\n'.repeat(count)
}

test('source: every file keeps the house rules', () => {
  const files = readSource()
  expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(['index.ts', 'core/step.ts', 'core/replica.ts']))
  expect(findings(files).map(({ path, line, problem }) => `src/${path}:${line} ${problem}`)).toEqual([])
})

describe('direction', () => {
  test.for([
    ['core/base/hash.ts', '../causality/dot.ts', 'base -> causality'],
    ['core/quorum/tally.ts', '../message.ts', 'quorum -> contract'],
    ['core/causality/dot.ts', '../placement/ring.ts', 'causality -> placement'],
    ['core/record.ts', './message.ts', 'record -> contract'],
    ['core/message.ts', './placement/ring.ts', 'contract -> placement'],
    ['core/options.ts', './coordinator.ts', 'contract -> machine'],
    ['core/placement/ring.ts', '../operation/get.ts', 'placement -> operation'],
    ['core/consensus/ballot.ts', '../repair/hint.ts', 'consensus -> repair'],
    ['core/repair/hint.ts', '../operation/put.ts', 'repair -> operation'],
    ['core/operation/get.ts', '../coordinator.ts', 'operation -> machine'],
    ['core/replica.ts', '../runtime/node.ts', 'machine -> runtime'],
    ['runtime/node.ts', '../sim/clock.ts', 'runtime -> sim'],
    ['runtime/storage/memory.ts', '../../cli/main.ts', 'runtime -> cli'],
    ['sim/clock.ts', '../runtime/node.ts', 'sim -> runtime'],
    ['core/quorum/tally.ts', '../../quorum/systems.ts', 'quorum -> systems'],
    ['core/operation/get.ts', '../../quorum/systems.ts', 'operation -> systems'],
    ['quorum/systems.ts', '../core/operation/get.ts', 'systems -> operation'],
    ['quorum/systems.ts', '../runtime/node.ts', 'systems -> runtime'],
    ['check/sessions.ts', '../core/causality/dot.ts', 'check -> causality'],
    ['predict/wars.ts', '../core/step.ts', 'predict -> contract'],
    ['dashboard/page.ts', '../cli/main.ts', 'dashboard -> cli'],
    ['index.ts', './cli/main.ts', 'index -> cli'],
  ] as const)('%s importing %s is found', ([path, specifier, arrow]) => {
    const found = [`wrong arrow: ${arrow}`]
    expect(problems(path, `import type { A } from '${specifier}'\n`)).toEqual(found)
    expect(problems(path, `export {\n  a,\n  b,\n} from '${specifier}'\n`)).toEqual(found)
    expect(problems(path, `const a = import('${specifier}')\n`)).toEqual(found)
  })

  test.for([
    ['core/quorum/tally.ts', '../base/hash.ts'],
    ['core/operation/get.ts', '../record.ts'],
    ['core/placement/ring.ts', '../options.ts'],
    ['core/message.ts', './record.ts'],
    ['core/coordinator.ts', './operation/get.ts'],
    ['runtime/storage/memory.ts', '../node.ts'],
    ['runtime/storage/memory.ts', '../../core/record.ts'],
    ['runtime/storage/memory.ts', 'classic-level'],
    ['quorum/systems.ts', '../core/quorum/expression.ts'],
    ['runtime/node.ts', '../quorum/index.ts'],
    ['check/sessions.ts', '../core/quorum/tally.ts'],
    ['cli/main.ts', '../sim/index.ts'],
    ['index.ts', './runtime/node.ts'],
  ] as const)('%s importing %s is left alone', ([path, specifier]) => {
    expect(problems(path, `import { a } from '${specifier}'\n`)).toEqual([])
  })

  test.for([
    ['sim/history.ts', '../check/history.ts', 'sim -> check'],
    ['core/causality/merge.ts', '../record.ts', 'causality -> record'],
    ['core/message.ts', './repair/exchange-message.ts', 'contract -> repair'],
  ] as const)('%s may import the types of %s, and only types', ([path, specifier, arrow]) => {
    expect(problems(path, `import type { A } from '${specifier}'\n`)).toEqual([])
    expect(problems(path, `import { a } from '${specifier}'\n`)).toEqual([`${arrow} is for \`import type\` alone`])
  })

  test('the core imports no package and nothing of Node', () => {
    expect(problems('core/base/hash.ts', "import { hash } from 'node:crypto'\n")).toContain(
      'the core imports node:crypto',
    )
    expect(problems('core/base/hash.ts', "import 'ws'\n")).toEqual(['the core imports ws'])
  })

  test('a folder without a place in the table is found', () => {
    expect(problems('core/sundries/a.ts', '')).toEqual(['stands in a folder that the house does not have'])
    expect(problems('misc.ts', '')).toEqual(['stands in a folder that the house does not have'])
  })
})

describe('words', () => {
  test.for([
    ['new Promise(() => {})', 'Promise'],
    ['async function a() {}', 'async'],
    ['await a', 'await'],
    ['setTimeout(a, 1)', 'setTimeout'],
    ['setInterval(a, 1)', 'setInterval'],
    ['setImmediate(a)', 'setImmediate'],
    ['Date.now()', 'Date'],
    ['Math.random()', 'Math.random'],
    ['process.hrtime()', 'process'],
    ['console.log(a)', 'console'],
    ['Buffer.alloc(1)', 'Buffer'],
    ['performance.now()', 'performance'],
    ['`at ${Date.now()}`', 'Date'],
    ['const half = a / 2; Date.now() / 2', 'Date'],
  ] as const)('%s in the core is found', ([code, word]) => {
    expect(problems('core/replica.ts', `${code}\n`)).toEqual([`banned in the core: ${word}`])
  })

  test.for([
    '// A Promise would not do here.',
    '/* Date.now() */',
    "const text = 'await the process'",
    'const text = "it\\"s Date"',
    'const text = `Date`',
    'const pattern = /[/"]Date\'/',
    'const updateDate = new ArrayBuffer(8)',
    'Math.floor(a)',
  ])('%s in the core is left alone', (code) => {
    expect(problems('core/replica.ts', `${code}\n`)).toEqual([])
  })

  test('outside the core, every word is free', () => {
    expect(problems('runtime/node.ts', 'await Promise.resolve(Date.now())\n')).toEqual([])
  })
})

describe('size', () => {
  test('a file of 401 lines is found, one of 400 is not', () => {
    expect(problems('core/replica.ts', linesOf(396))).toEqual([])
    expect(problems('core/replica.ts', linesOf(397))).toEqual(['401 lines, at most 400'])
  })

  test.for([
    ['function', 'function long(a: number, b = {}): void {', '}'],
    ['method', 'class A {\n  #long(): ReadonlyMap<string, () => void> {', '  }\n}'],
    ['getter', 'class A {\n  get long(): number {', '  }\n}'],
    ['constructor', 'class A {\n  constructor() {', '  }\n}'],
    ['generator', 'function* long(): Iterable<number> {', '}'],
    ['arrow', 'const long = (a: number): number => {', '}'],
    ['arrow with one bare parameter', 'const long = a => {', '}'],
    ['callback', 'list.forEach((a) => {', '})'],
    ['return type in braces', 'function long(): { a: number; b: string } {', '}'],
    ['type guard', 'function long(a: unknown): a is string {', '}'],
  ] as const)('a %s of 61 lines is found, one of 60 is not', ([, open, close]) => {
    expect(problems('core/replica.ts', `${open}\n${linesOf(58)}${close}\n`)).toEqual([])
    expect(problems('core/replica.ts', `${open}\n${linesOf(59)}${close}\n`)).toEqual([
      'a function of 61 lines, at most 60',
    ])
  })

  test('parameters on lines of their own count', () => {
    const code = `function long({\n  a,\n  b,\n}: Parameters): void {\n${linesOf(56)}}\n`
    expect(problems('core/replica.ts', code)).toEqual(['a function of 61 lines, at most 60'])
  })

  test.for(['class A {', 'const table = {', 'if (a) {', 'for (const a of list) {', 'switch (a) {', 'interface A {'])(
    'a long "%s" is no function',
    (open) => {
      expect(problems('core/replica.ts', `${open}\n${linesOf(70)}}\n`)).toEqual([])
    },
  )
})

describe('shape', () => {
  test.for([
    ['core/base/hash.ts', 'export default 1', 'a default export'],
    ['core/base/hash.ts', 'export { a as default }', 'a default export'],
    ['core/base/hash.ts', 'export enum Colour {\n  red,\n}', 'an enum'],
    ['core/base/hash.ts', 'const enum Colour {}', 'an enum'],
  ] as const)('%s with %s is found', ([path, code, problem]) => {
    expect(problems(path, `${code}\n`)).toEqual([problem])
  })

  test.for(['runtime/utils/a.ts', 'runtime/helpers.ts', 'sim/common/a.ts', 'sim/types.ts', 'runtime/manager/a.ts'])(
    '%s is named after no idea',
    (path) => {
      expect(problems(path, '')).toEqual(['named after no idea (utils, helpers, common, types, manager)'])
    },
  )

  test('a file without a head comment is found, also behind a line for the shell', () => {
    const bare = (text: string): number => findings([{ path: 'cli/main.ts', text }]).length
    expect(bare('import { a } from "./a.ts"\n')).toBe(1)
    expect(bare('#!/usr/bin/env node\nrun()\n')).toBe(1)
    expect(bare('#!/usr/bin/env node\n/** The command line. */\nrun()\n')).toBe(0)
  })

  test('a file of the core that does not name its ring is found, elsewhere it need not', () => {
    const text = '/** What it is for. */\n'
    expect(findings([{ path: 'core/base/hash.ts', text }])).toHaveLength(1)
    expect(findings([{ path: 'runtime/node.ts', text }])).toHaveLength(0)
  })
})

describe('scanner', () => {
  test('code keeps its offsets when comments and strings go', () => {
    const text = "a('x', `y${b('z')}`) // c\n/* d\n */ e / f / g"
    const code = codeOf(text)
    expect(code).toHaveLength(text.length)
    expect(code).toBe("a(' ', ` ${b(' ')}`)     \n    \n    e / f / g")
  })

  test('imports are read with their lines, and those in comments and strings are not', () => {
    const text = "// import { a } from './a.ts'\nimport {\n  b,\n} from './b.ts'\nconst c = \"import './c.ts'\"\n"
    expect(importsOf(text)).toEqual([{ specifier: './b.ts', typeOnly: false, line: 4 }])
  })

  test('nested functions are measured each', () => {
    const text = 'function outer() {\n  return () => {\n    a()\n  }\n}\n'
    expect(functionsOf(text)).toEqual([
      { line: 2, lines: 3 },
      { line: 1, lines: 5 },
    ])
  })
})
