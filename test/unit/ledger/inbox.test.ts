import { deepStrictEqual, equal } from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import type { InboxEntry, Ledger } from '../../../ledger/ledger.ts'
import type { Inbox } from '../../../sync/contract/inbox.ts'
import { type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

const source = 'hub://tenant'
const who = { by: 'anna', reason: 'asked the supplier' }

describe('the inbox of a source', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  let inbox: Inbox
  let time = Date.parse('2026-03-01T08:00:00Z')
  beforeEach(async () => {
    folder = ledgerFolder()
    time = Date.parse('2026-03-01T08:00:00Z')
    ledger = await folder.open({ now: () => time })
    inbox = ledger.inbox({ source, sync: 's', entity: 'invoice' })
  })
  afterEach(() => folder.remove())

  const state = async (key: string): Promise<InboxEntry['state'] | undefined> =>
    (await inbox.find([key])).get(key)?.state

  it('keeps a document from before its acknowledge until it is confirmed, encrypted', async () => {
    await inbox.record([{ key: 'h|A', document: { iban: 'DE00SECRET' } }])
    await inbox.record([{ key: 'h|A', document: { iban: 'DE11SECRET' } }])
    deepStrictEqual((await inbox.open())[0]?.document, { iban: 'DE11SECRET' })
    equal((await inbox.open())[0]?.acknowledging, null)
    await inbox.acknowledging(['h|A'])
    equal((await inbox.open())[0]?.acknowledging, '2026-03-01T08:00:00.000Z', 'its reply may be lost')
    await inbox.acknowledged(['h|A'])
    await inbox.record([{ key: 'h|A', document: 'another' }])
    deepStrictEqual((await inbox.open())[0]?.document, { iban: 'DE11SECRET' }, 'what was acknowledged stays')
    await ledger.handOn(source, ['h|A|0'])
    equal((await inbox.open()).length, 1, 'a run that ends before it is settled hands it on again')
    const about = { run: 'r', sync: 's', entity: 'invoice', sinkId: 'x', sinkName: 'x', outcomes: {} }
    await ledger.commit({ ...about, inbox: { source, recordKeys: ['h|A|0'] } })
    deepStrictEqual([await inbox.open(), await state('h|A')], [[], 'settled'])
    for (const as of ['answered', 'confirmed'] as const) await ledger.saveAnswers(source, new Map([['h|A|0', as]]))
    deepStrictEqual(await inbox.unanswered(), [])
    deepStrictEqual(Object.keys((await inbox.find(['h|A'])).get('h|A')?.times ?? {}), [
      'recorded',
      'acknowledged',
      'handed on',
      'settled',
      'answered',
      'confirmed',
    ])
    await ledger.close()
    const bytes = new DatabaseSync(folder.file).prepare('SELECT document FROM inbox').get() as { document: Uint8Array }
    equal(Buffer.from(bytes.document).includes('SECRET'), false)
  })

  it('begins anew when the source hands it over once more, and not before it is settled', async () => {
    await inbox.record([{ key: 'h|A', document: 1 }])
    await inbox.acknowledged(['h|A'])
    await inbox.reopen([{ key: 'h|A', document: 2 }])
    equal(await state('h|A'), 'acknowledged')
    await ledger.handOn(source, ['h|A|0'])
    await ledger.beginAnswers(source, new Map([['h|A|0', 'id-1']]))
    for (const as of ['answered', 'confirmed'] as const) await ledger.saveAnswers(source, new Map([['h|A|0', as]]))
    await inbox.reopen([{ key: 'h|A', document: 2 }])
    const item = (await inbox.find(['h|A'])).get('h|A')
    deepStrictEqual([item?.state, item?.document, item?.answerId], ['recorded', 2, null])
  })

  it('asks a person whose a document is, once', async () => {
    await inbox.ask([{ key: 'h|A', document: 1, why: 'in transfer, not by us' }])
    await inbox.ask([{ key: 'h|B', document: 1, why: 'in transfer, not by us' }])
    deepStrictEqual(await inbox.open(), [])
    deepStrictEqual(
      (await ledger.openItems('s')).map(({ kind, count }) => [kind, count]),
      [['asked', 2]],
    )
    equal(await ledger.decideInbox(source, 'h|A', 'ours', who), true)
    equal(await ledger.decideInbox(source, 'h|A', 'ours', who), false)
    equal(await ledger.decideInbox(source, 'h|B', 'not-ours', who), true)
    await inbox.ask([{ key: 'h|B', document: 1, why: 'again' }])
    deepStrictEqual([await state('h|A'), await state('h|B')], ['acknowledged', 'dropped'])
    deepStrictEqual(
      (await ledger.decisions({ sync: 's' })).map(({ kind, by }) => [kind, by]),
      [
        ['inbox', 'anna'],
        ['inbox', 'anna'],
      ],
    )
  })

  it('tells what is acknowledged for too long, and takes out what was confirmed long ago', async () => {
    await inbox.record([
      { key: 'h|A', document: 1 },
      { key: 'h|B', document: 1 },
    ])
    await inbox.acknowledged(['h|A', 'h|B'])
    await ledger.handOn(source, ['h|A|0', 'h|B|0'])
    await ledger.saveAnswers(source, new Map([['h|A|0', 'confirmed']]))
    deepStrictEqual(await ledger.overdue('s', source, '2026-03-02T08:00:00Z'), ['h|B'])
    deepStrictEqual(await ledger.overdue('s', source, '2026-03-01T07:00:00Z'), [])
    time += 100 * 86_400_000
    await ledger.purge(90)
    deepStrictEqual([await state('h|A'), await state('h|B')], [undefined, 'handed on'])
  })

  it('is behind its source: posting stops, once for the same words', async () => {
    const place = { sync: 's', entity: 'invoice' }
    const may = async () => (await ledger.postPlace('x3://host/GL')).started !== null
    await ledger.startPosting('x3://host/GL', place, who)
    await inbox.behind('A is transferred')
    deepStrictEqual(
      [await may(), (await ledger.postPlace('x3://host/GL')).stopped?.includes('A is transferred')],
      [false, true],
    )
    await ledger.startPosting('x3://host/GL', place, who)
    await inbox.behind('A is transferred')
    equal(await may(), true)
    await inbox.behind('B is transferred')
    equal(await may(), false)
  })
})
