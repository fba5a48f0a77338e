/**
 * The documents: programs in them run as they stand, and what they point at is there.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(path.join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
const textOf = (page: string): string => readFileSync(path.join(ROOT, page), 'utf8')

/** Whole programs: those that start a cluster of their own. */
const PROGRAMS = PAGES.flatMap((page) => {
  const blocks = [...textOf(page).matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code)
  return blocks.filter((code) => code.includes('startLocalCluster(')).map((code, index) => ({ page, index, code }))
})

describe('programs in documents', () => {
  let folder: string
  beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'quorate-docs-'))))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('there are some', () => {
    expect(PROGRAMS.map(({ page }) => page)).toEqual(expect.arrayContaining(['README.md', 'docs/levels.md']))
  })

  test.for(PROGRAMS)('$page, program $index runs', { timeout: 60_000 }, async ({ page, index, code }) => {
    const source = pathToFileURL(path.join(ROOT, 'src', 'index.ts')).href
    const file = path.join(folder, `${page.replaceAll('/', '-')}-${index}.mts`)
    writeFileSync(file, code.replaceAll("from 'quorate'", `from '${source}'`))
    const child = spawn(process.execPath, ['--import', 'tsx', file], { cwd: ROOT })
    let failed = ''
    child.stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()))
    const exitCode = await new Promise((resolve) => child.once('close', resolve))
    expect({ exitCode, failed }).toEqual({ exitCode: 0, failed: '' })
  })
})

test.for(PAGES)('%s points at what is there', (page) => {
  const folder = path.dirname(path.join(ROOT, page))
  const links = [...textOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
  const missing = links.filter(([, file = '', anchor]) => {
    const target = file === '' ? path.join(ROOT, page) : path.join(folder, file)
    return !existsSync(target) || (anchor !== undefined && !anchorsIn(readFileSync(target, 'utf8')).has(anchor))
  })
  expect(missing.map(([link]) => link)).toEqual([])
})

test('every alert names a place in the runbook that is there', () => {
  const anchors = anchorsIn(textOf('docs/runbook.md'))
  const places = [...textOf('docs/alerts.rules.yml').matchAll(/docs\/runbook\.md#(\S+)/g)].map(
    ([, place = '']) => place,
  )
  expect(places.length).toBeGreaterThan(8)
  expect(places.filter((place) => !anchors.has(place))).toEqual([])
})

/** As the common renderers of Markdown make them of headings. */
function anchorsIn(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}
