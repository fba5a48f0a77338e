/**
 * A real Chromium for tests of the page, where one is installed; whatever it says on its console fails them.
 */
import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium']

/** `CHROMIUM` names another one. Nothing where there is none. */
export const chromiumPath: string | undefined = [process.env['CHROMIUM'] ?? '', ...PLACES].find((path) =>
  existsSync(path),
)

if (chromiumPath === undefined) {
  console.log('no chromium is installed: the tests of the page in a browser are skipped (apt-get install chromium)')
}

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** What a window shows: by default, of a desk. */
export interface Look {
  readonly width?: number
  readonly height?: number
  readonly colorScheme?: 'light' | 'dark'
}

export class Window {
  readonly page: Page
  /** Everything on the console that is no mere remark, and errors that nobody caught. */
  readonly complaints: string[] = []

  constructor(page: Page) {
    this.page = page
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text())
    })
    page.on('pageerror', (error) => this.complaints.push(error.message))
    page.setDefaultTimeout(30_000)
  }

  /** Presses what is named so, in the menu of what is named so. */
  async choose(thing: string, choice: string): Promise<void> {
    await this.page.locator(`svg [role=button][aria-label^="${thing}"] :is(.body, .hit)`).click()
    await this.page.getByRole('menuitem', { name: choice, exact: true }).click()
  }

  /** Writes to both sides through a replica, and gives what each badge says. */
  async write(via: string, value: string): Promise<{ readonly ap: string; readonly cp: string }> {
    await this.page.locator(`#via label:has(input[value=${via}])`).click()
    await this.page.fill('#value', value)
    await this.page.getByRole('button', { name: 'Write to both' }).click()
    const badge = (side: string): Promise<string | null> =>
      this.page
        .locator(`#${side}-answer .answer:has-text("write ${value} through ${via}") .badge:not(.wait)`)
        .textContent()
    const [ap, cp] = await Promise.all([badge('ap'), badge('cp')])
    return { ap: ap ?? '', cp: cp ?? '' }
  }

  /** What each replica holds on one side. */
  async copies(side: 'ap' | 'cp'): Promise<Readonly<Record<string, readonly string[]>>> {
    const rows = await this.page.locator(`#${side}-copies tbody tr`).all()
    const pairs = rows.map(async (row) => {
      const id = (await row.locator('th').textContent()) ?? ''
      return [id, (await row.locator('.chip').allTextContents()).toSorted()] as const
    })
    return Object.fromEntries(await Promise.all(pairs))
  }

  /** Waits for an event that a replica told. */
  async event(words: string): Promise<void> {
    await this.page.locator('#events li', { hasText: words }).first().waitFor()
  }
}

export class Windows {
  readonly #browser: Browser

  constructor(browser: Browser) {
    this.#browser = browser
  }

  async open(url: string, { width = 1440, height = 900, colorScheme = 'light' }: Look = {}): Promise<Window> {
    const page = await this.#browser.newPage({ viewport: { width, height }, colorScheme })
    const window = new Window(page)
    await page.goto(url)
    await page.locator('svg .node').first().waitFor()
    return window
  }

  close(): Promise<void> {
    return this.#browser.close()
  }
}

export async function openBrowser(): Promise<Windows> {
  return new Windows(await chromium.launch({ executablePath: chromiumPath ?? '', args: ARGS }))
}
