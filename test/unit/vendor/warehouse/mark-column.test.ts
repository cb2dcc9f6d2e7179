import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { Column } from '../../../../sync/contract/message.ts'
import { markColumns } from '../../../../vendor/warehouse/mark-column.ts'

describe('the column of marks that was not there from the beginning', () => {
  const lacking = syncError('config', 'fake.42703', 'no column source')
  /** A table of marks without the column, and what was done to it. */
  const table = (add: () => Promise<void> = async () => undefined) => {
    const state = { has: false, added: 0, worked: 0 }
    const columns = markColumns<string>({
      nameOf: (name) => name,
      isLacking: (error) => error === lacking,
      add: async () => {
        state.added++
        await add()
        state.has = true
      },
      statement: (name, { name: column }) => `ALTER TABLE ${name} ADD ${column}`,
    })
    const told: string[] = []
    const context = {
      signal: new AbortController().signal,
      waiting: () => undefined,
      tell: (text: string) => void told.push(text),
    }
    const work = async (wanted: readonly Column[]) => {
      state.worked++
      const names = wanted.map(({ name }) => name)
      if (names.includes('source') && !state.has) throw lacking
      return names.includes('source')
    }
    return { state, told, context, run: (more = context) => columns('marks', more, work) }
  }

  it('is added once, whoever asks at the same time', async () => {
    const t = table()
    assert.deepEqual(await Promise.all([t.run(), t.run(), t.run()]), [true, true, true])
    assert.equal(await t.run(), true)
    assert.deepEqual([t.state.added, t.told], [1, []])
  })

  it('costs nothing where it is there', async () => {
    const t = table()
    t.state.has = true
    await t.run()
    assert.deepEqual([t.state.added, t.state.worked], [0, 1])
  })

  it('where it may not be added, it goes on without, and says so once with the statement for the owner', async () => {
    const t = table(async () => {
      throw syncError('config', 'fake.42501', 'not the owner')
    })
    const { tell: _, ...silent } = t.context
    assert.equal(await t.run(silent as typeof t.context), false)
    assert.deepEqual(await Promise.all([t.run(), t.run()]), [false, false])
    assert.equal(t.state.added, 1)
    assert.equal(t.told.length, 1)
    assert.match(t.told[0] ?? '', /^marks has no column "source".*not the owner.*ALTER TABLE marks ADD source/)
  })

  it('added by another process at the same moment, it is used', async () => {
    const t = table(async () => {
      t.state.has = true
      throw syncError('config', 'fake.42710', 'it is there already')
    })
    assert.deepEqual([await t.run(), await t.run(), t.told], [true, true, []])
  })

  it('a failure that may pass is tried again', async () => {
    let fails = true
    const t = table(async () => {
      if (fails) throw syncError('transient', 'fake.503', 'the warehouse is starting')
    })
    await assert.rejects(t.run(), /starting/)
    fails = false
    assert.equal(await t.run(), true)
  })
})
