/**
 * The explorer in a real browser, over real processes: cut with the mouse, write on both sides, heal, and see it merge.
 */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePlace, Started, until, type Place } from '../cli/harness.ts'
import { chromiumPath, openBrowser, type Window, type Windows } from './browser.ts'

const SLOW = { timeout: 240_000 }
/** Where pictures of the page go, for those who want to look; none by default. */
const PICTURES = process.env['EXPLORER_PICTURES']

describe.skipIf(chromiumPath === undefined)('explorer', () => {
  let place: Place
  let started: Started
  let windows: Windows
  let window: Window
  const url = (): string => `http://127.0.0.1:${place.port}/`

  beforeAll(async () => {
    place = await freePlace()
    started = new Started(place.args)
    await started.event('started')
    windows = await openBrowser()
    window = await windows.open(url())
  }, 120_000)

  afterAll(async () => {
    await windows?.close()
    await started?.stop('SIGTERM')
    place?.remove()
  }, 60_000)

  async function picture(shown: Window, name: string): Promise<void> {
    if (PICTURES === undefined) return
    mkdirSync(PICTURES, { recursive: true })
    await shown.page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true })
  }

  const everywhere = (side: 'ap' | 'cp', ...values: string[]): Promise<void> =>
    until(
      async () => JSON.stringify(Object.values(await window.copies(side))) === JSON.stringify([values, values, values]),
    )

  test('both sides of a cut write: AP keeps both, CP refuses one, and healing merges', SLOW, async () => {
    expect(await window.write('a', 'blue')).toEqual({ ap: 'accepted', cp: 'accepted' })
    await everywhere('ap', 'blue')
    await everywhere('cp', 'blue')

    await window.choose('Replica a', 'Cut off from all others')
    await window.event('has lost the majority')
    await window.event('suspects a partition: to a')
    expect(await window.write('a', 'orange')).toEqual({ ap: 'accepted', cp: 'refused' })
    expect(await window.page.locator('#cp-answer').textContent()).toContain('nothing was sent')
    expect(await window.write('b', 'green')).toEqual({ ap: 'accepted', cp: 'accepted' })
    await until(async () => (await window.copies('cp'))['c']?.[0] === 'green')
    expect(await window.copies('ap')).toEqual({ a: ['orange'], b: ['green'], c: ['green'] })
    expect(await window.copies('cp')).toEqual({ a: ['blue'], b: ['green'], c: ['green'] })
    await window.page.locator('#ap-copies', { hasText: 'hold different things' }).waitFor()
    expect(await window.page.locator('.link .label').allTextContents()).toContainEqual(
      expect.stringMatching(/cut .* held/),
    )
    await picture(window, 'cut')

    await window.page.getByRole('button', { name: 'Heal everything' }).click()
    await everywhere('ap', 'green', 'orange')
    await everywhere('cp', 'green')
    await picture(window, 'siblings')
    await window.page.getByRole('button', { name: 'Merge them' }).click()
    await everywhere('ap', 'green + orange')
    expect(window.complaints).toEqual([])
  })

  test(
    'a leader that is cut off is followed by one of a higher generation, and its token is refused',
    SLOW,
    async () => {
      const generation = async (): Promise<number> =>
        Number(await window.page.locator('.generation strong').textContent())
      await until(async () => (await generation()) > 0 && (await window.page.locator('.leads').count()) === 1)
      const before = await generation()
      const old = await window.page.locator('.leads .node-id').textContent()
      await window.page.getByRole('button', { name: 'Cut off the leader' }).click()
      await until(async () => (await generation()) > before && (await window.page.locator('.leads').count()) === 1)
      expect(await window.page.locator('.leads .node-id').textContent()).not.toBe(old)
      await window.page
        .locator('.visits .good', { hasText: `token ${await generation()}` })
        .first()
        .waitFor()
      await window.page.getByRole('button', { name: `${old}: token ${before}` }).click()
      await window.page.locator('.visits .bad', { hasText: `${old} with token ${before}` }).waitFor()
      await picture(window, 'fenced')
      await window.page.getByRole('button', { name: 'Heal everything' }).click()
      // The refusal is an answer of the server with a status of its own, which browsers put on their console.
      expect(window.complaints.filter((text) => !text.includes('409'))).toEqual([])
    },
  )

  test(
    'links are cut one way and slowed, replicas frozen, killed and started, with the keyboard alone',
    SLOW,
    async () => {
      const { page } = window
      const link = page.locator('svg [role=button][aria-label^="Link between b and c"]')
      const press = async (thing: typeof link, times: number): Promise<void> => {
        await thing.focus()
        await page.keyboard.press('Enter')
        for (let i = 0; i < times; i++) await page.keyboard.press('ArrowDown')
        await page.keyboard.press('Enter')
      }
      const says = (thing: typeof link, words: string): Promise<void> =>
        until(async () => (await thing.getAttribute('aria-label'))?.includes(words) === true)
      await press(link, 1)
      await says(link, 'b to c cut, c to b open')
      await window.event('link b → c: cut')
      await press(link, 3)
      await says(link, 'slow both ways')
      await press(link, 4)
      await says(link, 'open both ways')

      const replica = page.locator('svg [role=button][aria-label^="Replica c"]')
      await press(replica, 2)
      await says(replica, 'frozen')
      await press(replica, 4)
      await says(replica, 'running')
      await press(replica, 3)
      await says(replica, 'killed')
      expect(await window.write('a', 'teal')).toMatchObject({ ap: 'accepted' })
      await press(replica, 4)
      await says(replica, 'running')
      await until(async () => (await window.copies('ap'))['c']?.includes('teal') === true)
    },
  )

  test('steady writes are drawn, and a phone shows everything without scrolling sideways', SLOW, async () => {
    await window.page.getByRole('checkbox', { name: 'steady writes' }).check()
    await window.page.locator('#chart .line.cp[d*=L]').waitFor({ state: 'attached' })
    const phone = await windows.open(url(), { width: 390, height: 844, colorScheme: 'dark' })
    await phone.page.locator('#ap-copies .chip').first().waitFor()
    const width = await phone.page.evaluate('document.documentElement.scrollWidth')
    expect(width).toBe(390)
    await picture(phone, 'phone')
    await picture(window, 'steady')
    await window.page.getByRole('checkbox', { name: 'steady writes' }).uncheck()
    expect(phone.complaints).toEqual([])
  })

  test('the dashboard of one replica is the same page without the levers', SLOW, async () => {
    const dashboard = await windows.open(`http://127.0.0.1:${place.port + 101}/`)
    expect(await dashboard.page.title()).toBe('quorate dashboard')
    await dashboard.page.getByText('Failures until unavailable').waitFor()
    expect(await dashboard.page.getByRole('button', { name: 'Heal everything' }).isVisible()).toBe(false)
    expect(await dashboard.page.locator('svg [role=button]').count()).toBe(0)
    await picture(dashboard, 'dashboard')
    expect(dashboard.complaints).toEqual([])
  })
})
