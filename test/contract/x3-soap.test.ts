import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createFaults } from '../../sandbox/faults.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import { journalGroups } from '../../sandbox/x3/soap/journal-fields.ts'
import { readObject } from '../../sandbox/x3/soap/object.ts'
import { type Element, parseXml } from '../../sandbox/xml.ts'
import { waitFor } from '../support/wait.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { fieldOf, type Line, objectXml, soapCaller } from '../support/x3-soap.ts'

const contracts = new URL('../../../shared/contracts/x3/soap/', import.meta.url)

describe('the web services of the X3 sandbox', () => {
  let fixture: X3Fixture
  let isOpen = false
  let soap: ReturnType<typeof soapCaller>
  const open = async (options: Parameters<typeof startX3Fixture>[0] = {}): Promise<void> => {
    fixture = await startX3Fixture({ basic: { user: 'ws', password: 'pass' }, ...options })
    soap = soapCaller(fixture)
    isOpen = true
  }
  afterEach(async () => {
    if (isOpen) await fixture.x3.close()
    isOpen = false
  })

  /** Two accounts of the French chart, the first one active. */
  const accounts = (): [string, string] => {
    const active = [...fixture.books.tables.account.walk()].filter(({ chart, active }) => chart === 'FRA' && active)
    return [active[0]?.code ?? '', active[1]?.code ?? '']
  }
  const lines = (amount = '100.25'): Line[] => {
    const [debit, credit] = accounts()
    return [
      { FCYLIN: 'FR011', ACC1: debit, DEB: amount, DES: 'Vis & <écrous>' },
      { FCYLIN: 'FR011', ACC1: credit, CDT: amount },
    ]
  }
  const groups = (header: Line = {}): Record<string, Line> => ({
    HAE0_1: { FCY: 'FR011', TYP: 'GEN', NUM: '', ACCDAT: '20260310' },
    HAE0_2: { JOU: '', CAT: '1', STA: '1' },
    HAE1_1: { DESVCR: 'Approved invoice' },
    HAE1_3: { BPRVCR: 'TIE0000000000001', ...header },
    HAE1_5: { CUR: 'EUR' },
  })
  const save = (xml = objectXml(groups(), 'HAE2_1', lines()), form: 'XML' | 'JSON' = 'XML') =>
    soap.call('save', { objectXml: xml }, { form })
  const find = (key: readonly [string, string], listSize = '10') => soap.call('query', { objectKeys: [key], listSize })

  it('describe themselves as the published file does', async function () {
    const file = new URL('CAdxWebServiceXmlCC.wsdl.xml', contracts)
    if (!existsSync(file)) this.skip()
    await open()
    const url = fixture.x3.soap.url.replace('soap-generic', 'soap-wsdl')
    const own = await (await fetch(`${url}?wsdl`, { headers: { authorization: `Bearer ${fixture.token()}` } })).text()
    assert.deepEqual(summary(parseXml(own)), summary(parseXml(readFileSync(file, 'utf8'))))
  })

  it("take the objects of Sage's samples, trailing commas included", function () {
    if (!existsSync(new URL('samples/', contracts))) this.skip()
    const sample = (name: string) => readObject(readFileSync(new URL(`samples/${name}`, contracts), 'utf8'))
    assert.equal(sample('WSBPC_SAVE.JSON').groups.BPC0_1?.BPCNUM, 'WSBPC')
    assert.deepEqual(sample('WSSOH_WS_SAVE.JSON').tables.SOH4_1, [
      { NUMLIG: '0', ITMREF: 'FIN003', DSTOFCY: 'PT032', QTY: '10' },
      { NUMLIG: '0', ITMREF: 'FIN002', DSTOFCY: 'PT032', QTY: '10', SAUSTUCOE: '1' },
    ])
    assert.deepEqual(sample('WSSOH_WS_SAVE.XML').tables, sample('WSSOH_WS_SAVE.JSON').tables)
    assert.deepEqual(readObject('{"G": {"A": "a,}", "B": "x,]",},}').groups.G, { A: 'a,}', B: 'x,]' })
  })

  it('publish of a journal entry what a real client used', function () {
    const file = new URL('gas-journal.groups.json', contracts)
    if (!existsSync(file)) this.skip()
    const { groups } = JSON.parse(readFileSync(file, 'utf8')) as {
      groups: { id: string; kind: string; fields: { name: string }[] }[]
    }
    const real = groups.map(({ id, kind, fields }) => [
      id,
      kind,
      fields.flatMap(({ name }) => (name === 'CCE1..CCE7' ? [1, 2, 3, 4, 5, 6, 7].map((k) => `CCE${k}`) : [name])),
    ])
    assert.deepEqual(
      journalGroups('known').map(({ id, kind, fields }) => [id, kind, fields.map(({ name }) => name)]),
      real,
    )
  })

  it('save a balanced entry, give it a number, and show it to every other reader', async () => {
    await open()
    const [dimension] = [...fixture.books.tables.dimension.walk()].filter(
      ({ type, active }) => type === 'CCT' && active,
    )
    const [first, second] = lines()
    const xml = objectXml(groups(), 'HAE2_1', [{ ...first, CCE1: dimension?.code ?? '' }, second as Line])
    const saved = await save(xml)
    assert.deepEqual([saved.http, saved.status, saved.messages], [200, '1', []], saved.body)
    const number = fieldOf(saved.resultXml, 'NUM') ?? ''
    assert.match(number, /^WS\d{7}$/)
    const entry = fixture.books.tables.journalEntry.get(`GEN|${number}`)
    assert.deepEqual(
      [entry?.company, entry?.status, entry?.accountingDate, entry?.lines.map(({ amount, sign }) => [amount, sign])],
      [
        'FR10',
        'temporary',
        '2026-03-10',
        [
          ['100.25', 1],
          ['100.25', -1],
        ],
      ],
    )
    assert.deepEqual(entry?.lines[0]?.analytical[0]?.dimensions, { CCT: dimension?.code })
    const answer = await fixture.post(
      `{ x3Finance { journalEntry { query(filter: "{journalEntryNumber:'${number}'}") { edges { node { journalEntryNumber journalEntryStatus } } } } } }`,
    )
    assert.ok(answer.text.includes(number), answer.text)
    const read = await soap.call(
      'read',
      {
        objectKeys: [
          ['TYP', 'GEN'],
          ['NUM', number],
        ],
      },
      { form: 'JSON' },
    )
    const object = JSON.parse(read.resultXml) as Record<string, Line | Line[]>
    assert.equal((object.HAE1_3 as Line).BPRVCR, 'TIE0000000000001')
    assert.equal((object.HAE2_1 as Line[])[0]?.DES, 'Vis & <écrous>')
  })

  it('refuse with status 0, HTTP 200 and a reason, and leave nothing behind', async () => {
    await open({ soap: { shape: 'wide' } })
    const inactive = [...fixture.books.tables.account.walk()].find(({ chart, active }) => chart === 'FRA' && !active)
    const british = [...fixture.books.tables.account.walk()].find(
      ({ chart, code }) => chart === 'ENG' && !fixture.books.tables.account.get(`FRA|${code}`),
    )
    const [debit = {}, credit = {}] = lines()
    fixture.x3.soap.accountant.closeBefore('2026-03-01')
    const before = fixture.books.tables.journalEntry.count()
    const cases: readonly [RegExp, Record<string, Line>, readonly Line[]][] = [
      [/not balanced/, groups(), [debit, { ...credit, CDT: '100.24' }]],
      [/Counterpart/, groups(), [debit]],
      [/Period closed/, { ...groups(), HAE0_1: { ...groups().HAE0_1, ACCDAT: '20260228' } }, lines()],
      [/Incorrect date/, { ...groups(), HAE0_1: { ...groups().HAE0_1, ACCDAT: '20260231' } }, lines()],
      [/Site XX does not exist/, { ...groups(), HAE0_1: { ...groups().HAE0_1, FCY: 'XX' } }, lines()],
      [/inactive/, groups(), [{ ...debit, ACC1: inactive?.code ?? '?' }, credit]],
      [/does not exist in the chart FRA/, groups(), [{ ...debit, ACC1: british?.code ?? '?' }, credit]],
      [/Dimension NOPE/, groups(), [{ ...debit, CCE1: 'NOPE' }, credit]],
      [/Tax ZZ/, groups(), [{ ...debit, TAX: 'ZZ' }, credit]],
      [/too long/, groups({ BPRVCR: 'x'.repeat(21) }), lines()],
      [/Field NOPE unknown/, groups({ NOPE: '1' }), lines()],
      [/Too many decimals/, groups(), lines('1.005')],
      [/Numbered by the system/, { ...groups(), HAE0_1: { ...groups().HAE0_1, NUM: 'MINE' } }, lines()],
    ]
    for (const [why, header, table] of cases) {
      const answer = await save(objectXml(header, 'HAE2_1', table))
      assert.deepEqual([answer.http, answer.status, answer.resultXml], [200, '0', ''], String(why))
      assert.match(answer.messages.join(), why)
    }
    assert.equal(fixture.books.tables.journalEntry.count(), before)
  })

  it('find an entry by its reference only where the list of the object has it, and the user may look', async () => {
    await open()
    const number = fieldOf((await save()).resultXml, 'NUM')
    assert.equal(fieldOf((await find(['BPRVCR', 'TIE0000000000001'])).resultXml, 'NUM'), number)
    assert.equal(fieldOf((await find(['BPRVCR', 'TIE*'])).resultXml, 'NUM'), number)
    assert.equal(fieldOf((await find(['BPRVCR', 'TIE0000000000002'])).resultXml, 'NUM'), undefined)
    assert.match((await find(['DES', 'x'])).messages.join(), /not in the list/)
    await fixture.x3.close()
    await open({ soap: { listed: ['TYP', 'NUM'] } })
    await save()
    const answer = await find(['BPRVCR', 'TIE0000000000001'])
    assert.deepEqual([answer.status, answer.messages], ['0', ['Field BPRVCR is not in the list of the object']])
    await fixture.x3.close()
    await open({ soap: { noQuery: true } })
    assert.match((await find(['TYP', 'GEN'])).messages.join(), /not authorized/)
  })

  it('let an accountant finalise, reverse and delete; a final entry is not deleted', async () => {
    await open()
    const key = (xml: string) => `GEN|${fieldOf(xml, 'NUM')}`
    const draft = key((await save()).resultXml)
    const { accountant } = fixture.x3.soap
    accountant.finalise(draft)
    const refused = await soap.call('delete', {
      objectKeys: [
        ['TYP', 'GEN'],
        ['NUM', draft.slice(4)],
      ],
    })
    assert.match(refused.messages.join(), /Final entry/)
    const reversal = fixture.books.tables.journalEntry.get(accountant.reverse(draft))
    assert.deepEqual(
      reversal?.lines.map(({ sign }) => sign),
      [-1, 1],
    )
    const other = key((await save()).resultXml)
    const deleted = await soap.call('delete', {
      objectKeys: [
        ['TYP', 'GEN'],
        ['NUM', other.slice(4)],
      ],
    })
    assert.deepEqual([deleted.status, fixture.books.tables.journalEntry.get(other)], ['1', undefined])
    assert.deepEqual(
      accountant.posted().map(({ status }) => status),
      ['final', 'final'],
      'a final entry has a final reversal',
    )
  })

  it('ask who calls, for which pool and for what', async () => {
    await open()
    const basic = `Basic ${Buffer.from('ws:pass').toString('base64')}`
    const by = (authorization: string) => soap.call('getDescription', {}, { authorization })
    assert.deepEqual([(await by(basic)).status, (await by('Basic eDp5')).http], ['1', 401])
    assert.match((await soap.call('getDescription', {}, { pool: 'NONE' })).fault ?? '', /Pool "NONE"/)
    const unknown = await soap.call('getDescription', {}, { publication: 'WSNONE' })
    assert.deepEqual([unknown.http, unknown.status], [200, '0'])
    assert.match((await soap.call('save', {})).fault ?? '', /'objectXml' is missing/)
    assert.match((await soap.call('steal', {})).fault ?? '', /No such operation/)
    assert.match((await soap.post('<a')).fault ?? '', /SAXParseException/)
    assert.match((await soap.post('<!DOCTYPE a><a/>')).fault ?? '', /document type/)
    assert.match((await save('no object')).messages.join(), /Incorrect XML/)
  })

  it('tell in their description whether references and tax are published', async () => {
    await open()
    const known = await soap.call('getDescription', {})
    assert.doesNotMatch(known.resultXml, /REFINT|"TAX"/)
    await fixture.x3.close()
    await open({ soap: { shape: 'wide' } })
    assert.match((await soap.call('getDescription', {})).resultXml, /NAME="REFINT" TYPE="Char" LEN="25"/)
  })

  it('let a caller wait for a session of the pool, and then give up', async () => {
    await open({ soap: { sessions: 1, workMs: 150, waitMs: 50 } })
    const [first, second] = await Promise.all([save(), save()])
    assert.deepEqual([first.status, second.http], ['1', 500])
    assert.match(second.fault ?? '', /No session/)
    assert.equal((await save()).status, '1')
  })

  it('may commit after the connection was dropped, before or long after', async () => {
    await open({ soap: { lateCommitMs: 100 } })
    const plan = createFaults('calm', 1, SOAP_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    fixture.x3.setFaults(plan)
    const count = () => fixture.x3.soap.accountant.posted().length
    plan.force('soap:save', 'reset-after')
    await assert.rejects(save())
    assert.equal(count(), 1)
    plan.force('soap:save', 'error-after')
    assert.equal((await save()).http, 500)
    assert.equal(count(), 2)
    plan.force('soap:save', 'timeout', 2)
    await assert.rejects(save())
    const early = count()
    await assert.rejects(save())
    assert.equal(early, 2, 'not yet')
    await waitFor(() => count() === 3, { what: 'the late commit' })
  })
})

/** What a description says, whatever the order and the prefixes: types, parts of messages, operations. */
function summary(root: Element): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  const bare = (name: string | undefined): string => name?.split(':').at(-1) ?? ''
  const walk = (element: Element, path: string): void => {
    const kind = bare(element.name)
    const { name, type, message, location: _, ...rest } = element.attributes
    const here = ['definitions', 'schema', 'types', 'sequence', 'complexContent', 'restriction'].includes(kind)
      ? path
      : `${path}/${bare(name) || kind}`
    const says = [
      kind,
      bare(type),
      bare(message),
      rest.nillable ?? '',
      rest.parameterOrder ?? '',
      rest.soapAction ?? '',
      rest.use ?? '',
      rest.style ?? '',
    ]
    if (here !== path && kind !== 'address' && kind !== 'import')
      found[here] = [...(found[here] ?? []), says.join(' ').trim()]
    for (const child of element.children) walk(child, here)
  }
  walk(root, '')
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}
