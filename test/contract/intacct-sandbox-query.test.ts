import assert from 'node:assert/strict'
import { child, type Element, textOf } from '../../sandbox/xml.ts'
import { fieldsOf, type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'

const ascending = (field: string): string => `<orderby><order><field>${field}</field><ascending/></order></orderby>`
const filter = (inside: string): string => `<filter>${inside}</filter>`
const test = (op: string, field: string, ...values: string[]): string =>
  `<${op}><field>${field}</field>${values.map((value) => `<value>${value}</value>`).join('')}</${op}>`
const showAll = '<options><showprivate>true</showprivate></options>'
const vendors = (rest = ''): string =>
  `<query><object>VENDOR</object><select><field>RECORDNO</field></select>${rest}</query>`

describe('Intacct sandbox: what is asked', () => {
  let fixture: IntacctFixture
  let call: IntacctFixture['call']
  let query: IntacctFixture['query']

  beforeEach(async () => {
    fixture = await startIntacctFixture()
    ;({ call, query } = fixture)
  })
  afterEach(() => fixture.intacct.close())

  const day = (): void => {
    fixture.clock.time += 86_400_000
    fixture.books.day()
    fixture.intacct.newDay()
  }
  const data = (result: Element | undefined): Element => {
    const found = child(result, 'data')
    assert.ok(found)
    return found
  }

  describe('query', () => {
    it('pages to the end; without an order no two calls agree', async () => {
      const { attributes, rows } = await query(
        'VENDOR',
        ['RECORDNO'],
        `${ascending('RECORDNO')}<pagesize>11</pagesize><offset>22</offset>`,
      )
      const count = fixture.books.tables.supplier.count()
      assert.deepEqual(attributes, {
        ...{ listtype: 'VENDOR', totalcount: `${count}`, offset: '22', count: `${rows.length}` },
        numremaining: `${count - 22 - rows.length}`,
      })
      const loose = async (): Promise<string> =>
        (await query('VENDOR', ['RECORDNO'])).rows.map((row) => row.RECORDNO).join()
      assert.notEqual(await loose(), await loose())
      const empty = await query('VENDOR', ['RECORDNO'], filter(test('equalto', 'VENDORID', 'none')))
      assert.deepEqual([empty.rows, empty.attributes.totalcount, empty.attributes.numremaining], [[], '0', '0'])
      assert.equal((await call(vendors('<pagesize>2001</pagesize>'))).error?.errorno, 'DL02000001')
    })

    it('understands every operator', async () => {
      const all = (await query('VENDOR', ['RECORDNO', 'VENDORID', 'VENDTYPE', 'STATUS'], '<pagesize>2000</pagesize>'))
        .rows
      const numbers = async (inside: string, rest = ''): Promise<number[]> =>
        (
          await query(
            'VENDOR',
            ['RECORDNO'],
            `${filter(inside)}${rest}${ascending('RECORDNO')}<pagesize>2000</pagesize>`,
          )
        ).rows.map((row) => Number(row.RECORDNO))
      const expect = (passes: (row: Record<string, string>) => boolean): number[] =>
        all
          .filter(passes)
          .map((row) => Number(row.RECORDNO))
          .sort((a, b) => a - b)
      const no = (row: Record<string, string>): number => Number(row.RECORDNO)
      const cases: [string, (row: Record<string, string>) => boolean][] = [
        [test('equalto', 'RECORDNO', '5'), (row) => no(row) === 5],
        [test('notequalto', 'RECORDNO', '5'), (row) => no(row) !== 5],
        [test('lessthan', 'RECORDNO', '5'), (row) => no(row) < 5],
        [test('lessthanorequalto', 'RECORDNO', '5'), (row) => no(row) <= 5],
        [test('greaterthan', 'RECORDNO', '9'), (row) => no(row) > 9],
        [test('greaterthanorequalto', 'RECORDNO', '9'), (row) => no(row) >= 9],
        [test('between', 'RECORDNO', '3', '6'), (row) => no(row) >= 3 && no(row) <= 6],
        [test('in', 'RECORDNO', '3', '6', '900'), (row) => [3, 6].includes(no(row))],
        [test('notin', 'RECORDNO', '3', '6'), (row) => ![3, 6].includes(no(row))],
        [test('like', 'VENDORID', 'F%1'), (row) => /^F.*1$/.test(row.VENDORID ?? '')],
        [test('notlike', 'VENDORID', '__001'), (row) => !/^..001$/.test(row.VENDORID ?? '')],
        [test('isnull', 'VENDTYPE'), (row) => row.VENDTYPE === ''],
        [test('isnotnull', 'VENDTYPE'), (row) => row.VENDTYPE !== ''],
        [test('equalto', 'STATUS', 'inactive'), (row) => row.STATUS === 'inactive'],
        // A null is neither equal nor unequal to anything.
        [test('notequalto', 'VENDTYPE', 'ADM'), (row) => row.VENDTYPE !== '' && row.VENDTYPE !== 'ADM'],
        [
          `<or>${test('equalto', 'RECORDNO', '2')}<and>${test('greaterthan', 'RECORDNO', '9')}${test('isnull', 'VENDTYPE')}</and></or>`,
          (row) => no(row) === 2 || (no(row) > 9 && row.VENDTYPE === ''),
        ],
        [
          `<and>${test('greaterthan', 'RECORDNO', '2')}${test('greaterthan', 'RECORDNO', '7')}${test('lessthan', 'RECORDNO', '9')}</and>`,
          (row) => no(row) === 8,
        ],
      ]
      for (const [inside, passes] of cases) assert.deepEqual(await numbers(inside), expect(passes), inside)
      const insensitive = '<options><caseinsensitive>true</caseinsensitive></options>'
      assert.deepEqual(await numbers(test('like', 'VENDORID', 'fr%')), [])
      assert.deepEqual(
        await numbers(test('like', 'VENDORID', 'fr%'), insensitive),
        expect((row) => /^FR/.test(row.VENDORID ?? '')),
      )
    })

    it('follows relations, orders by several fields, and has the fields of a related record', async () => {
      const { rows } = await query(
        'APBILL',
        ['RECORDNO', 'VENDORID', 'VENDOR.NAME', 'VENDORNAME'],
        `${filter(test('isnotnull', 'VENDOR.NAME'))}<orderby><order><field>VENDORID</field><descending/></order><order><field>RECORDNO</field><ascending/></order></orderby>${showAll}<pagesize>2000</pagesize>`,
      )
      assert.equal(rows.length, fixture.books.tables.supplierInvoice.count())
      for (const row of rows) assert.equal(row['VENDOR.NAME'], row.VENDORNAME)
      const sorted = rows.toSorted(
        (a, b) => (b.VENDORID ?? '').localeCompare(a.VENDORID ?? '', 'en') || Number(a.RECORDNO) - Number(b.RECORDNO),
      )
      assert.deepEqual(
        rows.map((row) => row.RECORDNO),
        sorted.map((row) => row.RECORDNO),
      )
    })

    it('counts and sums by the other fields', async () => {
      const { result } = await call(
        `<query><object>GLENTRY</object><select><field>TR_TYPE</field><count>RECORDNO</count><sum>AMOUNT</sum></select>${showAll}</query>`,
      )
      const groups = data(result).children.map(fieldsOf)
      assert.deepEqual(groups.map((row) => row.TR_TYPE).sort(), ['-1', '1'])
      const total = groups.reduce((sum, row) => sum + Number(row['COUNT.RECORDNO']), 0)
      assert.equal(
        String(total),
        (await query('GLENTRY', ['RECORDNO'], `${showAll}<pagesize>1</pagesize>`)).attributes.totalcount,
      )
      assert.equal(groups[0]?.AMOUNT, groups[1]?.AMOUNT)
    })

    it('refuses fields and objects that are not there, and fields that only lookup knows', async () => {
      const ask = async (object: string, field: string): Promise<string> => {
        const { error } = await call(
          `<query><object>${object}</object><select><field>${field}</field></select></query>`,
        )
        return `${error?.level} ${error?.errorno} ${error?.texts}`
      }
      assert.match(await ask('VENDOR', 'NOPE'), /^result DL02000001 There was an error processing the request\..*NOPE/)
      assert.match(await ask('VENDOR', '*'), /^result DL02000001/)
      assert.match(await ask('NOPE', 'X'), /^result Query Failed Object definition NOPE not found/)
      const { result } = await call('<lookup><object>PROJECT</object></lookup>')
      const fields = child(data(result).children[0], 'Fields')?.children.map((one) => textOf(one, 'ID'))
      assert.ok(fields?.includes('CFDA'))
      assert.match(await ask('PROJECT', 'CFDA'), /DL02000001.*CFDA/)
      const wrongDate = test('greaterthan', 'WHENMODIFIED', '2026-03-01T00:00:00Z')
      assert.equal((await call(vendors(filter(wrongDate)))).error?.errorno, 'DL02000001')
    })

    it('answers json and csv without an envelope, errors as XML all the same', async () => {
      const format = (name: string): string => `<options><returnformat>${name}</returnformat></options>`
      const json = await call(vendors(`${ascending('RECORDNO')}${format('json')}<pagesize>2</pagesize>`))
      assert.equal(json.headers.get('content-type'), 'application/json')
      assert.deepEqual(JSON.parse(json.text), [{ RECORDNO: '1' }, { RECORDNO: '2' }])
      const csv = await call(vendors(`${ascending('RECORDNO')}${format('csv')}<pagesize>1</pagesize>`))
      assert.equal(csv.text, '"RECORDNO"\n"1"\n')
      assert.equal(
        (await call(vendors(`${filter(test('isnull', 'NOPE'))}${format('json')}`))).error?.errorno,
        'DL02000001',
      )
    })
  })

  describe('readByQuery', () => {
    const read = (rest: string, object = 'VENDOR'): string =>
      `<readByQuery><object>${object}</object>${rest}</readByQuery>`

    it('keeps its result with the session, for a while', async () => {
      const first = await call(read('<fields>RECORDNO</fields><query/><pagesize>4</pagesize>'))
      const { resultId, totalcount } = data(first.result).attributes
      const seen = data(first.result).children.map((row) => fieldsOf(row).RECORDNO)
      assert.match(resultId ?? '', /^7765623338/)
      // What comes later is not in it.
      day()
      await fixture.signIn()
      const other = await call(`<readMore><resultId>${resultId}</resultId></readMore>`)
      assert.deepEqual([other.error?.level, other.error?.errorno], ['result', 'DL02000001'])
      const again = await call(read('<fields>RECORDNO</fields><query/><pagesize>4</pagesize>'))
      let page = data(again.result)
      const id = page.attributes.resultId
      const numbers = page.children.map((row) => fieldsOf(row).RECORDNO)
      while (page.attributes.numremaining !== '0') {
        page = data((await call(`<readMore><resultId>${id}</resultId></readMore>`)).result)
        numbers.push(...page.children.map((row) => fieldsOf(row).RECORDNO))
      }
      assert.equal(numbers.length, Number(totalcount) + 1)
      assert.equal(new Set(numbers).size, numbers.length)
      assert.notDeepEqual(
        seen,
        seen.toSorted((a, b) => Number(a) - Number(b)),
      )
      fixture.clock.time += 601_000
      assert.equal((await call(`<readMore><resultId>${id}</resultId></readMore>`)).error?.errorno, 'DL02000001')
    })

    it('reads its text with codes, not labels, and names the rows in lower case, those of some objects in upper case', async () => {
      const rows = async (text: string, object = 'VENDOR'): Promise<Element[]> => {
        const { result } = await call(
          read(`<fields>RECORDNO,STATUS</fields><query>${text}</query><pagesize>1000</pagesize>`, object),
        )
        return [...data(result).children]
      }
      const inactive = await rows("STATUS = 'F'")
      assert.ok(inactive.length > 0)
      for (const row of inactive) assert.equal(fieldsOf(row).STATUS, 'inactive')
      assert.equal((await rows("STATUS = 'inactive'")).length, 0)
      assert.equal(
        (await call(read('<query>RECORDNO in (1, 2) and not RECORDNO = 4</query>'))).error?.errorno,
        'DL02000001',
      )
      assert.equal(
        (await rows('RECORDNO &gt;= 2 AND RECORDNO &lt;= 4 and VENDTYPE is not null or RECORDNO=1')).length >= 1,
        true,
      )
      assert.equal(inactive[0]?.name, 'vendor')
      assert.equal((await rows('RECORDNO = 1', 'CUSTOMER'))[0]?.name, 'CUSTOMER')
      assert.equal(
        (await rows("VENDORID like 'FR%'")).every(({ name }) => name === 'vendor'),
        true,
      )
      assert.equal((await call(read('<query>RECORDNO = 1 ORDER BY NAME</query>'))).error?.errorno, 'DL02000001')
      const none = data((await call(read("<query>VENDORID = 'O\\'Neill'</query>"))).result)
      assert.deepEqual(none.attributes, {
        listtype: 'vendor',
        count: '0',
        totalcount: '0',
        numremaining: '0',
        resultId: '',
      })
    })
  })
})
