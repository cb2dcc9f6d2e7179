import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { address, type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'
import { waitFor } from '../../support/wait.ts'

const child = fileURLToPath(new URL('../../support/ledger-child.ts', import.meta.url))

/** Runs the child until `enough` says so of what it has said, kills it with -9, and gives back all it said. */
async function killWhen(file: string, task: string, enough: (said: readonly string[]) => boolean): Promise<string[]> {
  const running = spawn(process.execPath, [child, file, task], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  const lines = () => text.split('\n').slice(0, -1)
  running.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const closed = once(running, 'close')
  await waitFor(() => enough(lines()), { what: 'the child to get so far' })
  running.kill('SIGKILL')
  await closed
  return lines()
}

const numbersOf = (lines: readonly string[], word: string): number[] =>
  lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.slice(word.length)))

describe('a ledger whose process is killed with -9', () => {
  let folder: LedgerFolder
  beforeEach(() => {
    folder = ledgerFolder()
  })
  afterEach(() => folder.remove())

  for (const batches of [1, 4, 23])
    it(`between any two moments after ${batches} batch(es): each is there whole or not at all, none that was told is missing`, async () => {
      const said = await killWhen(folder.file, 'commit', (lines) => numbersOf(lines, 'batch').length >= batches)
      const told = numbersOf(said, 'batch').at(-1) ?? -1
      const ledger = await folder.open()
      const through = Number((await ledger.position('s', 'supplier'))?.readThrough)
      assert.ok(through >= told, `the position stands at ${through}, told was ${told}`)
      for (let batch = 0; batch <= through + 1; batch++) {
        const keys = Array.from({ length: 50 }, (_, i) => `erp|${batch}-${i}`)
        assert.equal((await ledger.deliveries(address, keys)).size, batch <= through ? 50 : 0, `batch ${batch}`)
      }
      const [died] = await ledger.runs({ sync: 's' })
      assert.equal(died?.state, 'died')
      assert.equal(died?.entities[0]?.delivered, 50 * (through + 1))
      const used = Math.max(...numbersOf(said, 'read'))
      assert.ok(ledger.nextRead() > used, 'a number is never given twice')
      await ledger.beginRun({ id: 'next', sync: 's', mode: 'poll', at: new Date().toISOString() })
    })

  it('while it replays: the held records are open again', async () => {
    await killWhen(folder.file, 'claim', (lines) => lines.includes('claimed'))
    const ledger = await folder.open()
    assert.equal((await ledger.claimHeld({ sync: 's' }, 'replay-2')).length, 2)
  })
})
