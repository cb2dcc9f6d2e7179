import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { syncError } from '../../../sync/contract/errors.ts'
import type { EntityPlan, Page, Source } from '../../../sync/contract/source.ts'
import { clockLine, createReport, fine, previewOf } from '../../../vendor/report.ts'

describe('a report of a connection', () => {
  it('goes on behind a step that fails, and hides no fault of the programme', async () => {
    const { lines, step } = createReport()
    assert.equal(
      await step(
        async () => 3,
        (n) => fine(`Found ${n}.`),
      ),
      3,
    )
    const fail = () => Promise.reject(syncError('config', 'x.right', 'A right is missing.'))
    assert.equal(await step(fail, () => fine('never')), undefined)
    assert.deepEqual(lines, [
      { ok: true, text: 'Found 3.' },
      { ok: false, text: 'A right is missing.' },
    ])
    await assert.rejects(
      step(
        () => Promise.reject(new TypeError('x')),
        () => fine('never'),
      ),
      TypeError,
    )
  })

  it('tells how far the clocks are apart, and which is ahead', () => {
    assert.equal(clockLine('X3', -2, 'Windows follow').text, 'The clocks agree.')
    assert.match(
      clockLine('X3', 90, 'Windows follow').text,
      /clock of X3 is 90 s ahead of ours. Windows follow the clock of X3/,
    )
    assert.match(clockLine('X3', -900, 'Windows follow').text, /15 minutes behind ours/)
    assert.match(clockLine('X3', 7200, 'Windows follow').text, /2 hours ahead/)
  })
})

describe('a preview', () => {
  const asked: string[] = []
  const page = (walk: string, count: number): Page =>
    ({
      records: Array.from({ length: count }, (_, i) => ({ code: `${walk}${i}` })),
      cursor: null,
      notices: [walk],
    }) as never
  const sourceOf = (counts: Readonly<Record<string, number>>): Source =>
    ({
      plan: async () =>
        ({
          schema: { entity: 'dimension' },
          notices: ['plan'],
          walks: Object.keys(counts),
          async readPage({ walk }: { walk: string }) {
            asked.push(walk)
            return page(walk, counts[walk] ?? 0)
          },
        }) as unknown as EntityPlan,
    }) as unknown as Source

  it('takes ten records from as many walks as that takes, and no other walk', async () => {
    asked.length = 0
    const source = sourceOf({ lines: 5, empty: 0, some: 4, more: 20, last: 1 })
    const shown = await previewOf(source, 'dimension', (walk) => walk !== 'lines', new AbortController().signal)
    assert.deepEqual(asked, ['empty', 'some', 'more'])
    assert.equal(shown.records.length, 10)
    assert.deepEqual(shown.records.slice(3, 5), [{ code: 'some3' }, { code: 'more0' }])
    assert.deepEqual(shown.notices, ['plan', 'empty', 'some', 'more'])
  })
})
