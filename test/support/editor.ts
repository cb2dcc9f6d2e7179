/** The real editor in a headless Chromium, as a person uses it: by what is seen, clicked and typed. */
import { deepStrictEqual } from 'node:assert'
import { existsSync } from 'node:fs'
import { chromium, type Locator, type Page } from 'playwright-core'
import { type Red, USER } from './node-red.ts'
import { waitFor } from './wait.ts'

/** Where a Chromium is on this machine; undefined: none is installed. */
export const chromiumPath = (): string | undefined =>
  [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  )

export const NO_CHROMIUM = 'skipped: no Chromium is installed (CHROMIUM may name one)'

/** Skips what needs a browser where there is none. */
export function needChromium(context: Mocha.Context): void {
  if (chromiumPath()) return
  // CI installs a browser: there a missing one is a fault, not a reason to pass.
  if (process.env.CI) throw new Error(NO_CHROMIUM)
  console.log(`    ${NO_CHROMIUM}`)
  context.skip()
}

export interface Editor {
  readonly page: Page
  /** Errors that the page wrote to its console, or threw, since the login. */
  readonly problems: string[]
  /** A node on the canvas of the flow in front, by its label. */
  node(label: string): Locator
  /** Acts and waits until a node has come to a status such as `green dot 30 records, 12:00`; gives each status that it showed on the way. */
  during(label: string, status: RegExp, act: () => Promise<unknown>): Promise<string[]>
  /** Imports an example of the package into a flow of its own, and goes there. */
  importExample(name: string, flow: string): Promise<void>
  /** Drags a node from the palette to a place of the canvas. */
  drop(type: string, x: number, y: number): Promise<void>
  /** Draws a wire from an output (counted from 0) to an input. */
  wire(from: string, to: string, output?: number): Promise<void>
  /** Opens a node's dialog by a double click. */
  open(label: string): Promise<Locator>
  /** From a node's dialog into the one of the config node that a field names. */
  openConfig(field: string): Promise<Locator>
  /** The same of a config node that is not there yet. */
  addConfig(field: string): Promise<Locator>
  /** Closes the dialog in front by its red button. */
  done(): Promise<void>
  cancel(): Promise<void>
  /** Presses *Test connection* and waits for the lines of its report. */
  test(): Promise<{ readonly ok: boolean; readonly text: string }[]>
  /** Opens the pick list beside a field and takes the entry with this text. */
  pick(field: string, entry: string): Promise<void>
  /** Presses an inject node's button. */
  press(label: string): Promise<void>
  /** The sidebar *Tieout*. */
  readonly monitor: Locator
  /** Opens it at one of its lists, and waits until that is read. */
  openMonitor(
    view: 'runs' | 'syncs' | 'held' | 'inDoubt' | 'results' | 'postings' | 'alignment' | 'alerts',
  ): Promise<void>
  /** Deploys, and waits until the editor says so. */
  deploy(): Promise<void>
  close(): Promise<void>
}

/** Takes an entry of the pick list that is open; a press that falls into its drawing is made again. */
export async function takeEntry(page: Page, entry: string): Promise<void> {
  const list = page.locator('.red-ui-autoComplete-container')
  for (let tries = 1; ; tries++) {
    await list.getByText(entry, { exact: true }).click()
    const gone = list.waitFor({ state: 'hidden', timeout: 3000 })
    if (tries === 3) return gone
    if (
      await gone.then(
        () => true,
        () => false,
      )
    )
      return
  }
}

export interface Look {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
}

const FLAGS = '--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync'

/** Opens the editor and logs in. */
export async function openEditor(
  red: Pick<Red, 'url'> & Partial<Pick<Red, 'output'>>,
  { width = 1400, height = 900, dark = false }: Look = {},
  user: { readonly name: string; readonly password: string } = USER,
): Promise<Editor> {
  const browser = await chromium.launch({
    executablePath: chromiumPath() ?? '/usr/bin/chromium',
    args: [...FLAGS.split(' '), '--no-first-run'],
  })
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' })
  page.setDefaultTimeout(45_000)
  await page.goto(red.url)
  await page.locator('#node-dialog-login-username').fill(user.name)
  await page.locator('#node-dialog-login-password').fill(user.password)
  // Node-RED asks for its settings before there is a login: that refusal is not the page's fault.
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  await page.locator('#node-dialog-login-submit').click()
  await palette('x3-poll').waitFor()
  await page.locator('#red-ui-loading-progress').waitFor({ state: 'hidden' })

  function palette(type: string): Locator {
    return page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`)
  }

  // An inject node that repeats has a sign behind its label.
  const node = (label: string): Locator =>
    page.locator('#red-ui-workspace-chart .red-ui-flow-node-group', {
      has: page.locator('.red-ui-flow-node-label-text', {
        hasText: new RegExp(`^${label.replace(/[^\w ]/g, '\\$&')}(\\s*↻)?$`),
      }),
    })

  const inFront = async (kind: 'node' | 'node-config'): Promise<Locator> => {
    const button = page.locator(`#${kind}-dialog-ok`)
    const tray = page.locator('.red-ui-tray', { has: button })
    await button.waitFor()
    // It slides in: what is pointed at before it rests moves away from under the pointer, and no tooltip opens.
    const resting = await tray.elementHandle()
    await page.waitForFunction((element) => element && getComputedStyle(element).right === '0px', resting)
    return tray
  }

  const config = async (field: string, by: 'edit' | 'add'): Promise<Locator> => {
    await page.locator(`#node-input-btn-${field}-${by}`).click()
    return inFront('node-config')
  }

  const leave = async (by: 'ok' | 'cancel'): Promise<void> => {
    const button = page.locator(`#node-config-dialog-${by}:visible, #node-dialog-${by}:visible`).last()
    const id = await button.getAttribute('id')
    await button.click()
    await page.locator(`#${id}`).waitFor({ state: 'detached' })
  }

  /** The list of a node's statuses grows in the page: none is missed, however short. */
  const during: Editor['during'] = async (label, status, act) => {
    const seen = await node(label).evaluateHandle((element) => {
      const texts: string[] = []
      const look = (): void => {
        const group = element.querySelector<SVGGElement>('.red-ui-flow-node-status-group')
        const sign = group?.querySelector('.red-ui-flow-node-status')?.getAttribute('class') ?? ''
        const [, shape, fill] = /status-(dot|ring)-(\w+)/.exec(sign) ?? []
        const text = `${fill} ${shape} ${group?.querySelector('.red-ui-flow-node-status-label')?.textContent}`
        if (text !== texts.at(-1)) texts.push(text)
      }
      look()
      new MutationObserver(look).observe(element, { subtree: true, childList: true, attributes: true })
      return texts
    })
    await act()
    const since = async (): Promise<string[]> => (await seen.jsonValue()).slice(1)
    await waitFor(async () => (await since()).some((text) => status.test(text))).catch(async () => {
      throw new Error(`${label} did not come to ${status}; it showed ${(await since()).join(' | ') || 'nothing new'}`)
    })
    return since()
  }

  return {
    page,
    problems,
    node,
    during,
    async importExample(name, flow) {
      await page.locator('#red-ui-header-button-sidemenu').click()
      await page.locator('#menu-item-import').click()
      await page.getByRole('link', { name: 'Examples' }).click()
      const examples = page.locator('#red-ui-clipboard-dialog-import-tab-examples')
      await examples.getByText('@tieout/node-red-tieout').click()
      await examples.getByText(name).click()
      await page.locator('#red-ui-clipboard-dialog-ok').click()
      await page.locator('#red-ui-workspace-tabs li').filter({ hasText: flow }).click()
    },
    drop: (type, x, y) => palette(type).dragTo(page.locator('#red-ui-workspace-chart'), { targetPosition: { x, y } }),
    async wire(from, to, output = 0) {
      await node(from).locator('.red-ui-flow-port-output .red-ui-flow-port').nth(output).hover()
      await page.mouse.down()
      await node(to).locator('.red-ui-flow-port-input .red-ui-flow-port').hover()
      await page.mouse.up()
    },
    async open(label) {
      await node(label).locator('.red-ui-flow-node').first().dblclick()
      return inFront('node')
    },
    openConfig: (field) => config(field, 'edit'),
    addConfig: (field) => config(field, 'add'),
    done: () => leave('ok'),
    cancel: () => leave('cancel'),
    async test() {
      await page.locator('.tieout-test').click()
      await page.locator('.tieout-report li').first().waitFor()
      return page
        .locator('.tieout-report li')
        .evaluateAll((lines) =>
          lines.map((line) => ({ ok: line.matches('.tieout-ok'), text: line.textContent?.trim() ?? '' })),
        )
    },
    async pick(field, entry) {
      await page.locator(`${field} ~ .tieout-pick`).click()
      await takeEntry(page, entry)
    },
    press: (label) => node(label).locator('.red-ui-flow-node-button-button').click(),
    async deploy() {
      const started = (): number => red.output?.().split(/Started (?:modified )?(?:flows|nodes)/).length ?? 0
      const before = started()
      const answered = page.waitForResponse(
        (reply) => reply.url().endsWith('/flows') && reply.request().method() === 'POST',
      )
      await page.locator('#red-ui-header-button-deploy').click()
      await answered
      await page.locator('#red-ui-header-button-deploy.disabled').waitFor()
      // Node-RED answers before its nodes are there: a press meanwhile finds none.
      if (red.output) await waitFor(() => started() > before, { what: 'the flows' })
    },
    monitor: page.locator('.tieout-monitor'),
    async openMonitor(view) {
      const monitor = page.locator('.tieout-monitor')
      if (!(await monitor.isVisible())) await page.locator('button[data-tab-id=tieout]').click()
      await monitor.locator(`[data-view=${view}]`).click()
      await monitor.locator('ol > li, .tieout-monitor-note:not(:empty)').first().waitFor()
    },
    close: () => browser.close(),
  }
}

/** Fails where a field has no name that a screen reader could say, or is wider than the dialog. */
export async function checked(dialog: Locator, what: string): Promise<void> {
  const faults = await dialog.locator('.red-ui-tray-body').evaluate((body) => {
    for (const details of body.querySelectorAll('details')) details.open = true
    const right = body.getBoundingClientRect().right
    return [...body.querySelectorAll<HTMLInputElement>('.tieout-form :is(input, select, textarea, button)')]
      .filter((field) => field.getClientRects().length > 0)
      .flatMap((field) => {
        const name = field.labels?.[0]?.textContent || field.getAttribute('aria-label') || field.textContent
        const id = field.id || field.className
        return [
          ...(name?.trim() ? [] : [`${id} has no name`]),
          ...(field.getBoundingClientRect().right <= right + 1 ? [] : [`${id} stands out to the right`]),
        ]
      })
  })
  deepStrictEqual(faults, [], what)
}

/** Fails where the sidebar at its default width cuts something off, lets it stand out, or breaks a word of letters over two lines. */
export async function uncut(monitor: Locator): Promise<void> {
  const faults = await monitor.evaluate((all) => {
    const right = all.getBoundingClientRect().right
    const seen = [...all.querySelectorAll<HTMLElement>('*')].filter((one) => one.getClientRects().length > 0)
    const broken: string[] = []
    const texts = document.createTreeWalker(all, NodeFilter.SHOW_TEXT)
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      for (const { 0: word, index } of (text.textContent ?? '').matchAll(/(?<=^|[\s(])\p{L}{2,20}(?=$|[\s.,;:)])/gu)) {
        const range = document.createRange()
        range.setStart(text, index)
        range.setEnd(text, index + word.length)
        if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) broken.push(word)
      }
    }
    const shown = (faulty: readonly HTMLElement[]) => faulty.map((one) => one.outerHTML.slice(0, 200))
    return {
      out: shown(seen.filter((one) => one.getBoundingClientRect().right > right + 1)),
      cut: shown(
        // A field is scrolled by whoever types in it.
        seen.filter(
          (one) =>
            one.scrollWidth > one.clientWidth + 1 &&
            getComputedStyle(one).display !== 'inline' &&
            !one.matches('input, textarea'),
        ),
      ),
      broken,
    }
  })
  deepStrictEqual(faults, { out: [], cut: [], broken: [] })
}

/** Chooses for secrets that they are typed in: templates take them from variables. */
export async function typeIn(dialog: Locator, ...secrets: readonly string[]): Promise<void> {
  for (const secret of secrets) await dialog.locator(`#tieout-${secret}-by`).selectOption('typed')
}

/** Takes rows out of a list of a dialog, all but the first `kept`, and waits until they are gone: each fades for a moment. */
export async function takeOut(rows: Locator, kept = 0): Promise<void> {
  const crosses = rows.locator('.red-ui-editableList-item-remove')
  await crosses.evaluateAll((all, from) => {
    for (const cross of all.slice(from)) (cross as HTMLElement).click()
  }, kept)
  await rows.nth(kept).waitFor({ state: 'detached' })
}

/** Adds a row to the list with this selector, by the button below it. */
export async function addRow(dialog: Locator, list: string): Promise<Locator> {
  const whole = dialog.locator('.red-ui-editableList', { has: dialog.page().locator(list) })
  await whole.locator('.red-ui-editableList-addButton').click()
  return dialog.locator(`${list} > li`).last()
}

/** Adds a row to a table of a dialog (`tieout.tables`) and fills it in; a choice is given as a choice, a check box as true. */
export const rowAdder =
  (prefix: string) =>
  async (dialog: Locator, table: string, values: Readonly<Record<string, string | true>>): Promise<void> => {
    const row = await addRow(dialog, `#tieout-${prefix}-${table}`)
    for (const [column, value] of Object.entries(values)) {
      const input = row.locator(`.tieout-${prefix}-${column}`)
      if (value === true) await input.check()
      else if ((await input.evaluate(({ tagName }) => tagName)) === 'SELECT') await input.selectOption(value)
      else await input.fill(value)
    }
  }

/** What the rows of such a table hold. */
export const shownIn =
  (dialog: Locator, prefix: string) =>
  (table: string): Promise<string[]> =>
    dialog.locator(`#tieout-${prefix}-${table} :is(input, select)`).evaluateAll((all) =>
      all.map((one) => {
        const input = one as HTMLInputElement
        return input.type === 'checkbox' ? String(input.checked) : input.value
      }),
    )
