/** The target of Power BI against the sandbox: what a report reads, and that nothing is in twice. */
import assert from 'node:assert/strict'
import { type PowerbiFixture, prepareContext, startPowerbiFixture } from '../support/powerbi.ts'
import { batchOf, entry, journal } from '../support/warehouse.ts'

describe('Power BI target', function () {
  this.timeout(30_000)
  let f: PowerbiFixture
  before(async () => {
    f = await startPowerbiFixture()
  })
  after(() => f.close())
  let n = 0
  /** A target with a dataset of its own. */
  const fresh = (options: Parameters<PowerbiFixture['target']>[2] = {}) => {
    const name = `T${++n} {entity}`
    const connection = f.connect()
    return {
      connection,
      name: name.replace('{entity}', 'gl_entry'),
      target: f.target(connection, 'gl_entry', { dataset: { kind: 'create', name }, ...options }),
    }
  }
  const measure = async (connection: ReturnType<PowerbiFixture['connect']>, name: string, dax: string) => {
    const id = f.sandbox.datasets().find((one) => one.name === name)?.id
    return connection.query(
      `/groups/${f.sandbox.workspace.id}/datasets/${id}/executeQueries`,
      dax,
      'test',
      prepareContext(),
    )
  }

  it('makes a dataset, writes a document to a table for each list, and a changed one again: measures sum the newest alone', async () => {
    const { connection, name, target } = fresh()
    const context = prepareContext()
    assert.equal((await target.prepare(journal, context)).empty, true)
    await target.write(
      batchOf('b1', [
        entry('1', {
          read: 4,
          lines: [
            [1, 'A', '100.25'],
            [2, 'B', '-100.25'],
          ],
        }),
        entry('2', { read: 4, lines: [[1, 'A', '7']] }),
      ]),
      context,
    )
    await target.write(
      batchOf('b2', [entry('1', { read: 9, lines: [[1, 'A', '50.5']] }), entry('2', { read: 9, delete: true })]),
      context,
    )
    assert.equal((await f.rows(name, 'gl_entry')).length, 4)
    assert.equal((await f.rows(name, 'gl_entry_line')).length, 4)
    assert.deepEqual(await measure(connection, name, 'EVALUATE ROW("v",[gl_entry_line amount])'), [{ '[v]': 50.5 }])
    assert.deepEqual(await measure(connection, name, 'EVALUATE ROW("v",[gl_entry rows])'), [{ '[v]': 1 }])
    assert.deepEqual(
      await measure(
        connection,
        name,
        'EVALUATE SUMMARIZECOLUMNS(\'gl_entry_line\'[account],"v",[gl_entry_line amount])',
      ),
      [{ 'gl_entry_line[account]': 'A', '[v]': 50.5 }],
    )
    const totals = await target.totals?.(
      { run: 'run-1', schema: journal, list: 'lines', amounts: ['amount'], by: ['company'] },
      context,
    )
    assert.deepEqual(totals, [
      { list: 'lines', group: ['C1'], count: 1, debit: { amount: '50.5000' }, credit: { amount: '0.0000' } },
    ])
    const columns = f.sandbox
      .datasets()
      .find((one) => one.name === name)
      ?.tables.find((table) => table.name === 'gl_entry_line')?.columns
    assert.equal(columns?.find((column) => column.name === 'amount')?.isHidden, true)
  })
})
