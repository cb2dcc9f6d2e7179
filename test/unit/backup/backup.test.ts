import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { create, list } from 'tar'
import { serveCopies, socketOf } from '../../../backup/socket.ts'
import type { Ledger } from '../../../ledger/ledger.ts'
import { openLedger } from '../../../ledger/open.ts'

const FLOWS = [
  { id: 'a1', type: 'sync-ledger', file: '' },
  { id: 'b2', type: 'sync-ledger', file: 'books/other.db' },
  { id: 'c3', type: 'tab', label: 'x' },
]

describe('npm run ledger', () => {
  let home: string
  let open: { ledger: Ledger; end: () => Promise<void> }[]
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'tieout-home-'))
    open = []
    writeFileSync(join(home, 'flows.json'), JSON.stringify(FLOWS))
    writeFileSync(join(home, 'flows_cred.json'), '{"$":"sealed"}')
    writeFileSync(join(home, 'credential-secret'), 'the secret')
  })
  afterEach(async () => {
    await stop()
    rmSync(home, { recursive: true })
  })

  const fileOf = (name: string): string => join(home, name)
  const start = async (name: string, served = true): Promise<Ledger> => {
    const file = fileOf(name)
    const ledger = await openLedger({ file, key: 'k' })
    const end = served ? await serveCopies(file, (copy) => ledger.copyTo(copy)) : async () => undefined
    open.push({ ledger, end })
    return ledger
  }
  const stop = async (): Promise<void> => {
    for (const { ledger, end } of open.splice(0)) {
      await end()
      await ledger.close()
    }
  }
  const run = async (...args: string[]) => {
    const child = spawn(process.execPath, ['backup/main.ts', ...args, '--userDir', home], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [said, out] = await Promise.all([
      text(child.stderr),
      text(child.stdout),
      child.exitCode === null ? once(child, 'exit') : undefined,
    ])
    return { code: child.exitCode, said: said.replaceAll(home, 'HOME'), out }
  }
  const leftOver = (): string[] =>
    readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => /\.backup-|\.copy-/.test(name))

  it('looks through ledgers and backs them up while they are in use, without the secret', async () => {
    const ledger = await start('tieout/a1.db')
    await start('books/other.db')
    await ledger.saveNote('x', 'before')
    const checked = await run('check')
    assert.equal(checked.code, 0, checked.said)
    assert.match(checked.said, new RegExp(`^tieout/a1.db: sound, 0 runs, 0 held, ledger ${ledger.id}, \\d{4}-`, 'm'))
    assert.match(checked.said, /^books\/other.db: sound/m)
    const archive = join(home, 'own.tar.gz')
    const made = await run('backup', archive)
    assert.equal(made.code, 0, made.said)
    assert.equal(statSync(archive).mode & 0o777, 0o600)
    const names: string[] = []
    await list({ file: archive, onReadEntry: ({ path }) => names.push(path) })
    assert.deepEqual(names.sort(), ['flows.json', 'flows_cred.json', 'ledgers/0.db', 'ledgers/1.db', 'manifest.json'])
    assert.deepEqual(leftOver(), [])
    const again = await run('backup', archive)
    assert.equal(again.code, 1)
    assert.match(again.said, /EEXIST/)
  })

  it('puts a backup back where Tieout does not run, and keeps what was there', async () => {
    const ledger = await start('tieout/a1.db')
    await ledger.saveNote('x', 'yesterday')
    const { code, said } = await run('backup')
    assert.equal(code, 0, said)
    const archive = fileOf(/HOME\/(\S+)/.exec(said)?.[1] ?? '')
    await ledger.saveNote('x', 'today')
    writeFileSync(fileOf('flows.json'), '[]')
    const refused = await run('restore', archive)
    assert.equal(refused.code, 1)
    assert.match(refused.said, /HOME\/tieout\/a1.db/)
    assert.equal(await ledger.note('x'), 'today')
    assert.equal(readFileSync(fileOf('flows.json'), 'utf8'), '[]')
    await stop()
    const done = await run('restore', archive)
    assert.equal(done.code, 0, done.said)
    assert.deepEqual(JSON.parse(readFileSync(fileOf('flows.json'), 'utf8')), FLOWS)
    const back = await start('tieout/a1.db')
    assert.deepEqual([back.id, await back.note('x')], [ledger.id, 'yesterday'])
    const former = fileOf(/(before-restore-\w+-\w+-\w+)/.exec(done.said)?.[1] ?? '')
    assert.equal(readFileSync(join(former, 'flows.json'), 'utf8'), '[]')
    const today = await openLedger({ file: join(former, '0.db'), key: 'k' })
    assert.equal(await today.note('x'), 'today')
    await today.close()
    assert.deepEqual(leftOver(), [])
  })

  it('writes the archive to standard output', async () => {
    await start('tieout/a1.db')
    await stop()
    const child = spawn(process.execPath, ['backup/main.ts', 'backup', '-', '--userDir', home])
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(child, 'close')
    writeFileSync(join(home, 'x.tar.gz'), Buffer.concat(chunks))
    assert.equal((await run('restore', join(home, 'x.tar.gz'))).code, 0)
  })

  it('refuses what is no backup, was changed, or comes from a newer version, and changes nothing', async () => {
    await start('tieout/a1.db')
    const archive = join(home, 'x.tar.gz')
    await run('backup', archive)
    await stop()
    const before = readFileSync(fileOf('tieout/a1.db'))
    const bytes = readFileSync(archive)
    writeFileSync(join(home, 'cut.tar.gz'), bytes.subarray(0, bytes.length / 2))
    writeFileSync(join(home, 'text.tar.gz'), 'no archive')
    const other = join(home, 'other')
    mkdirSync(other)
    writeFileSync(
      join(other, 'manifest.json'),
      JSON.stringify({
        kind: 'tieout-backup',
        made: 'x',
        files: [{ name: '../../x', place: 'x', sha256: '', isLedger: false }],
      }),
    )
    await create({ gzip: true, cwd: other, file: join(home, 'odd.tar.gz') }, ['manifest.json'])
    for (const name of ['cut', 'text', 'odd', 'missing']) {
      const { code, said } = await run('restore', join(home, `${name}.tar.gz`))
      assert.equal(code, 1, name)
      assert.match(said, /is no backup of Tieout, or is damaged.*\n.*Nothing was changed/s, name)
    }
    assert.ok(before.equals(readFileSync(fileOf('tieout/a1.db'))))
    assert.deepEqual(leftOver(), [])
  })

  it('says how it is used, and when a ledger is open elsewhere and does not answer', async () => {
    for (const args of [[], ['restore'], ['check', 'x'], ['backup', 'a', 'b']]) {
      const { code, said } = await run(...args)
      assert.equal(code, 1)
      assert.match(said, /npm run ledger -- check/)
    }
    await start('tieout/a1.db', false)
    const { code, said } = await run('backup')
    assert.equal(code, 1)
    assert.match(said, /HOME\/tieout\/a1.db is in use/)
  })

  it('takes a socket that a killed process left for none', async () => {
    mkdirSync(fileOf('tieout'))
    writeFileSync(socketOf(fileOf('tieout/a1.db')), '')
    await start('tieout/a1.db')
    assert.equal((await run('check')).code, 0)
    await stop()
    assert.equal(existsSync(socketOf(fileOf('tieout/a1.db'))), false)
    assert.equal((await run('check')).code, 0)
  })
})
