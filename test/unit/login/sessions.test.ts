import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { partsOfNodeRed } from '../../../login/node-red.ts'
import { openSessions } from '../../../login/sessions.ts'
import type { User } from '../../../login/users.ts'

describe('sessions', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tieout-sessions-'))
  after(() => rmSync(dir, { recursive: true }))
  const anna: User = { username: 'anna', password: 'a hash', permissions: ['read', 'tieout.write'] }
  const covers = partsOfNodeRed().hasPermission

  it('end after twelve hours', () => {
    let now = 1_000_000
    const sessions = openSessions(join(dir, 'a.json'), { find: () => anna }, covers, console.warn, () => now)
    const token = sessions.create(anna, [])
    now += 12 * 3600 * 1000 - 1
    deepStrictEqual(sessions.find(token), { username: 'anna', permissions: ['read', 'tieout.write'] })
    now += 1
    strictEqual(sessions.find(token), undefined)
  })

  it('of a narrower scope stay narrow, and end when the user has no more of it', () => {
    let user = anna
    const sessions = openSessions(join(dir, 'b.json'), { find: () => user }, covers, console.warn)
    const token = sessions.create(anna, ['tieout.write'])
    deepStrictEqual(sessions.find(token)?.permissions, ['tieout.write'])
    user = { ...anna, permissions: ['read'] }
    strictEqual(sessions.find(token), undefined)
  })

  it('are there though their file cannot be written, and that is told', () => {
    const told: string[] = []
    const sessions = openSessions(join(dir, 'none', 'c.json'), { find: () => anna }, covers, (text) => told.push(text))
    const token = sessions.create(anna, [])
    strictEqual(sessions.find(token)?.username, 'anna')
    match(told.join('\n'), /c\.json cannot be written \(ENOENT.*restart/)
    sessions.revoke(token)
    strictEqual(sessions.find(token), undefined)
  })
})
