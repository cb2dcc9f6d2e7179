import { match, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openUsers } from '../../../login/users.ts'

describe('users', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tieout-users-'))
  after(() => rmSync(dir, { recursive: true }))

  it('of a file that cannot be looked at any more are nobody, and that is told; nothing is thrown', () => {
    const file = join(dir, 'users.json')
    const password = `$2b$04$${'x'.repeat(53)}`
    writeFileSync(file, JSON.stringify([{ username: 'anna', password, role: 'viewer' }]))
    const told: string[] = []
    const users = openUsers(file, { username: 'admin', password }, (text) => told.push(text))
    strictEqual(users.find('anna')?.password, password)
    rmSync(file)
    symlinkSync('users.json', file)
    strictEqual(users.find('anna'), undefined)
    match(told.join(), /ELOOP/)
    strictEqual(users.find('admin')?.permissions, '*')
  })
})
