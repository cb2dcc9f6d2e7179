import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'
import { type AdminParts, adminMiddleware } from '../../../login/admin.ts'
import { countAttempts } from '../../../login/attempts.ts'
import type { User } from '../../../login/users.ts'
import { waitFor } from '../../support/wait.ts'

const require = createRequire(createRequire(import.meta.url).resolve('node-red'))
const express = require('express') as () => Express & RequestListener

const RIGHT = 'right'
const anna: User = { username: 'anna', password: 'hash of anna', permissions: '*' }

describe('the login', () => {
  let server: Server
  let url: string
  let user: User
  let compared: string[]
  /** Names whose wrong passwords are counted beside those of users. */
  let counted: string[]
  /** While it is set, comparing takes as long as it does. */
  let held: Promise<void> | undefined
  const events: string[] = []

  beforeEach(async () => {
    user = anna
    compared = []
    counted = []
    const known = countAttempts()
    held = undefined
    const parts: AdminParts = {
      users: { find: (name) => (name === 'anna' ? user : undefined) },
      sessions: { seconds: 1, create: () => 'a token', find: () => undefined, revoke: () => undefined },
      attempts: {
        known: {
          ...known,
          failed(name, place) {
            counted.push(name)
            known.failed(name, place)
          },
        },
        unknown: countAttempts(),
      },
      bcrypt: {
        async compare(password) {
          compared.push(password)
          await held
          return password === RIGHT
        },
      },
      covers: () => true,
      refused: () => undefined,
      audit: ({ event }) => void events.push(event),
      trustProxy: true,
    }
    server = createServer(express().use(adminMiddleware(parts))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth/token`
  })
  afterEach(() => {
    server.close()
    server.closeAllConnections()
  })

  const post = (username: string, password: string, cookie = '', from = '9.9.9.9'): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ username, password }),
      headers: { cookie, 'x-forwarded-for': `1.2.3.4, ${from}` },
    })
  const guess = async (times: number, cookie?: string): Promise<number[]> =>
    Promise.all(Array.from({ length: times }, async () => (await post('anna', 'wrong', cookie)).status))
  const cookieOf = (reply: Response): string => reply.headers.get('set-cookie')?.split(';')[0] ?? ''

  it('lets a user in while another guesses under his name from the same address, by the cookie of an earlier login', async () => {
    const first = await post('anna', RIGHT)
    match(first.headers.get('set-cookie') ?? '', /^tieout-device=.*; HttpOnly; SameSite=Strict$/)
    await guess(10)
    strictEqual((await post('anna', RIGHT)).status, 429)
    ok(events.includes('auth.login.fail.too-many-attempts'))
    strictEqual((await post('anna', RIGHT, `a=b; ${cookieOf(first)}`)).status, 200)
  })

  it('gives no attempts for a cookie that is none, of another password, or used up', async () => {
    const cookie = cookieOf(await post('anna', RIGHT))
    await guess(10)
    const other = `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`
    for (const none of [
      other.replace('=', '=x'),
      'tieout-device=',
      `tieout-device=${'x'.repeat(16)}.${'x'.repeat(43)}`,
    ])
      strictEqual((await post('anna', RIGHT, none)).status, 429, none)
    deepStrictEqual(await guess(10, cookie), Array(10).fill(403))
    strictEqual((await post('anna', RIGHT, cookie)).status, 429)
    user = { ...anna, password: 'another hash' }
    strictEqual((await post('anna', RIGHT, cookie)).status, 429)
  })

  it('makes the address of the one who guesses wait, also behind a proxy, and nobody else', async () => {
    await guess(10)
    strictEqual((await post('anna', RIGHT)).status, 429)
    strictEqual((await post('anna', RIGHT, '', '9.9.9.8')).status, 200)
  })

  it('compares two passwords at a time, the others in their turn, and of one who sends many at once no more than he may', async () => {
    let release = (): void => undefined
    held = new Promise((resolve) => {
      release = resolve
    })
    const guesses = guess(30)
    const other = post('anna', RIGHT, '', '9.9.9.8')
    await waitFor(() => compared.length === 2, { what: 'two comparisons' })
    release()
    const statuses = await guesses
    strictEqual((await other).status, 200)
    deepStrictEqual([statuses.includes(403), statuses.includes(429)], [true, true])
    ok(compared.length <= 12, `${compared.length} were compared`)
  })

  it('has no turns taken by made-up names, and they are counted apart', async () => {
    await guess(10)
    held = new Promise(() => undefined)
    const madeUp = await Promise.all(Array.from({ length: 30 }, (_, n) => post(`nobody ${n}`, RIGHT)))
    deepStrictEqual(new Set(madeUp.map(({ status }) => status)), new Set([403]))
    strictEqual(compared.length, 10, 'nothing is compared for them')
    deepStrictEqual(new Set(counted), new Set(['anna']))
    strictEqual((await post('anna', RIGHT)).status, 429)
  })

  it('refuses a name that is none no sooner than a wrong password', async () => {
    for (const name of ['nobody', 'anna']) {
      const began = performance.now()
      strictEqual((await post(name, 'wrong')).status, 403)
      ok(performance.now() - began > 290, name)
    }
  })
})
