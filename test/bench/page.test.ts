/** The report's page in a real browser, where one is installed. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { htmlReport } from '../../bench/html.ts'
import { cellColumns, cellRow } from '../../bench/matrix/cell-row.ts'
import { distributionPlot, frontPlot, timelinePlots } from '../../bench/matrix/pictures.ts'
import { play } from '../../bench/matrix/run.ts'
import { cellNamed } from '../../bench/matrix/selection.ts'
import { Tally, type CellResult } from '../../bench/matrix/tally.ts'

const PROGRAM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
const MORE_FLAGS = ['--disable-component-update', '--disable-sync']

function resultOf(setting: string): CellResult {
  const cell = cellNamed(`${setting}/LAN/healing/ycsb-a`, [])
  const tally = new Tally(cell, 1)
  tally.add(1, play(cell, 1, 150))
  return tally.result()
}

describe.skipIf(PROGRAM === undefined)('the page in a browser', { timeout: 60_000 }, () => {
  let browser: Browser
  let folder: string
  let url: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'quorate-page-'))
    const cells = ['n3-r1-w1', 'n3-r2-w2', 'cp'].map(resultOf)
    const group = 'LAN, healing, ycsb-a'
    const section = {
      part: 'matrix',
      title: group,
      columns: cellColumns(cells),
      rows: cells.map((cell) => cellRow(cell)),
      notes: ['A note.'],
      plots: [frontPlot(group, cells), distributionPlot(group, cells), ...timelinePlots(group, cells)],
    }
    const file = path.join(folder, 'page.html')
    await writeFile(file, htmlReport([section], { command: 'npm run bench', at: new Date(0), facts: [] }))
    url = `file://${file}`
    browser = await chromium.launch({ executablePath: PROGRAM as string, args: [...FLAGS, ...MORE_FLAGS] })
  }, 60_000)
  afterAll(async () => {
    await browser.close()
    await rm(folder, { recursive: true, force: true })
  })

  it.each(['light', 'dark'] as const)(
    '%s: every picture has a size, a name, and ink that stands out',
    async (colorScheme) => {
      const page = await browser.newPage({ colorScheme })
      const complaints: string[] = []
      page.on('console', (message) => complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('request', (request) => {
        if (request.url() !== url) complaints.push(`asked for ${request.url()}`)
      })
      await page.goto(url)
      const pictures = page.getByRole('img')
      expect(await pictures.count()).toBe(5)
      for (const picture of await pictures.all()) {
        const box = await picture.boundingBox()
        expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThan(150)
        expect(await picture.locator('title').first().textContent()).toMatch(/\w/)
      }
      const [ink, ground] = (await page.evaluate(
        `[getComputedStyle(document.querySelector('svg text')).fill, getComputedStyle(document.body).backgroundColor]`,
      )) as [string, string]
      expect(contrast(ink, ground)).toBeGreaterThan(7)
      expect(complaints).toEqual([])
      await page.close()
    },
  )
})

/** As WCAG 2 defines it. */
function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [r, g, b] = (colour.match(/\d+/g) ?? []).map((part) => {
    const share = Number(part) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
