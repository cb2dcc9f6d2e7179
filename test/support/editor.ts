/** The real editor in a headless Chromium, as a person uses it: by what is seen, clicked and typed. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { type Red, USER } from './node-red.ts'

/** Where a Chromium is on this machine; undefined: none is installed. */
export const chromiumPath = (): string | undefined =>
  [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  )

export interface Editor {
  readonly page: Page
  /** Errors that the page wrote to its console or threw. */
  readonly problems: string[]
  /** A node on the canvas of the flow in front, by its label. */
  node(label: string): Locator
  /** The text below a node, and the class that says colour and shape. */
  status(label: string): Locator
  /** Opens a node's dialog by a double click. */
  open(label: string): Promise<Locator>
  /** From a node's dialog into the one of the config node it names. */
  openConfig(field: string): Promise<Locator>
  /** Closes the dialog in front by *Done*, *Add* or *Update*. */
  done(): Promise<void>
  /** Presses an inject node's button. */
  press(label: string): Promise<void>
  /** Deploys, and waits until the editor says so. */
  deploy(): Promise<void>
  close(): Promise<void>
}

export interface Look {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
}

/** Opens the editor and logs in. */
export async function openEditor(
  red: Pick<Red, 'url'>,
  { width = 1400, height = 900, dark }: Look = {},
): Promise<Editor> {
  const browser: Browser = await chromium.launch({
    executablePath: chromiumPath() ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' })
  page.setDefaultTimeout(15_000)
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  await page.goto(red.url)
  await page.locator('#node-dialog-login-username').fill(USER.name)
  await page.locator('#node-dialog-login-password').fill(USER.password)
  await page.locator('#node-dialog-login-submit').click()
  // The palette is the last thing that comes.
  await page.locator('.red-ui-palette-node[data-palette-type="x3-poll"]').waitFor()
  await page.locator('#red-ui-loading-progress').waitFor({ state: 'hidden' })

  // An inject node that repeats has a sign behind its label.
  const node = (label: string): Locator =>
    page.locator('#red-ui-workspace-chart .red-ui-flow-node-group', {
      has: page.locator('.red-ui-flow-node-label-text', {
        hasText: new RegExp(`^${label.replace(/[^\w ]/g, '\\$&')}(\\s*↻)?$`),
      }),
    })
  const inFront = async (kind: 'node' | 'node-config'): Promise<Locator> => {
    await page.locator(`#${kind}-dialog-ok`).waitFor()
    return page.locator('.red-ui-tray', { has: page.locator(`#${kind}-dialog-ok`) })
  }

  return {
    page,
    problems,
    node,
    status: (label) => node(label).locator('.red-ui-flow-node-status-group'),
    async open(label) {
      await node(label).locator('.red-ui-flow-node').first().dblclick()
      return inFront('node')
    },
    async openConfig(field) {
      await page.locator(`#node-input-btn-${field}-edit`).click()
      return inFront('node-config')
    },
    async done() {
      const button = page.locator('#node-config-dialog-ok:visible, #node-dialog-ok:visible').last()
      const id = await button.getAttribute('id')
      await button.click()
      await page.locator(`#${id}`).waitFor({ state: 'detached' })
    },
    async press(label) {
      await node(label).locator('.red-ui-flow-node-button-button').click()
    },
    async deploy() {
      const answered = page.waitForResponse(
        (reply) => reply.url().endsWith('/flows') && reply.request().method() === 'POST',
      )
      await page.locator('#red-ui-header-button-deploy').click()
      await answered
      await page.locator('#red-ui-header-button-deploy.disabled').waitFor()
    },
    close: () => browser.close(),
  }
}
