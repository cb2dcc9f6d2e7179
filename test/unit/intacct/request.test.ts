import assert from 'node:assert/strict'
import { and, anyOf, checkName, type GatewayFunction, or, writeRequest } from '../../../nodes/intacct/client/request.ts'

const control = { senderId: 'sender', senderPassword: 'p<a>&"ss' }
const session = { kind: 'session', id: 'abc..' } as const
const write = (...functions: GatewayFunction[]) => writeRequest(control, session, functions)
const query = (filter?: Parameters<typeof or>[0]) =>
  write({
    name: 'query',
    query: { object: 'VENDOR', select: ['RECORDNO', 'NAME'], filter, orderBy: ['RECORDNO'], pageSize: 5000 },
  }).xml

describe('requests to the Intacct gateway', () => {
  it('has uniqueid false and a control id that never was before', () => {
    const ids = new Set<string>()
    for (let times = 0; times < 3; times++) {
      const { xml, ids: own } = write({ name: 'getDimensions' }, { name: 'readUserFormatting' })
      assert.match(xml, /<uniqueid>false<\/uniqueid>/)
      assert.equal(own.length, 2)
      for (const id of own) {
        assert.ok(xml.includes(`controlid="${id}"`))
        ids.add(id)
      }
    }
    assert.equal(ids.size, 6)
  })

  it('signs in with companyid before password, the entity where there is one, secrets escaped', () => {
    const login = { kind: 'login', company: 'ACME', user: 'api', password: ']]>&', entity: 'E1' } as const
    const { xml } = writeRequest(control, login, [{ name: 'getAPISession' }])
    assert.match(
      xml,
      /<login><userid>api<\/userid><companyid>ACME<\/companyid><password>]]&gt;&amp;<\/password><locationid>E1<\/locationid><\/login>/,
    )
    assert.match(xml, /<password>p&lt;a&gt;&amp;&quot;ss<\/password>/)
    assert.doesNotMatch(writeRequest(control, { ...login, entity: '' }, [{ name: 'getAPISession' }]).xml, /locationid/)
  })

  it('asks in the order of a key, for private rows too, and for no more than 2000', () => {
    const xml = query()
    assert.match(xml, /<select><field>RECORDNO<\/field><field>NAME<\/field><\/select>/)
    assert.match(xml, /<orderby><order><field>RECORDNO<\/field><ascending(?:\/>|><\/ascending>)<\/order><\/orderby>/)
    assert.match(xml, /<showprivate>true<\/showprivate>/)
    assert.match(xml, /<pagesize>2000<\/pagesize>/)
    assert.doesNotMatch(xml, /<offset>|<filter>/)
  })

  it('keeps several operators of one name, and writes a group of one as that one', () => {
    const xml = query(
      and(
        { op: 'greaterthan', field: 'RECORDNO', value: '7' },
        or(
          { op: 'between', field: 'A', values: ['1', '2'] },
          { op: 'between', field: 'B', values: ['3', '4'] },
          { op: 'isnull', field: 'C' },
        ),
        and(undefined, { op: 'equalto', field: 'D', value: '<x>' }),
      ),
    )
    assert.match(
      xml,
      /<filter><and><greaterthan>.*<or><between><field>A<\/field><value>1<\/value><value>2<\/value><\/between><between><field>B<\/field>/,
    )
    assert.match(xml, /<isnull><field>C<\/field><\/isnull>/)
    assert.match(xml, /<equalto><field>D<\/field><value>&lt;x&gt;<\/value><\/equalto>/)
    assert.equal((query(and(or(undefined), undefined)) ?? '').includes('<filter>'), false)
  })

  it('puts at most a thousand values into one list', () => {
    const xml = query(
      anyOf(
        'RECORDNO',
        Array.from({ length: 2500 }, (_, n) => String(n)),
      ),
    )
    const lists = [...xml.matchAll(/<in>(.*?)<\/in>/g)].map(([, inner]) => (inner ?? '').match(/<value>/g)?.length)
    assert.deepEqual(lists, [1000, 1000, 500])
  })

  for (const name of ['VENDOR</object><delete>', 'a b', '', '1A', 'A;B', "A' OR 1", 'x'.repeat(200), 'A\u0000'])
    it(`never sends ${JSON.stringify(name.slice(0, 24))} as a name`, () => {
      assert.throws(() => checkName(name, 'object'), { code: 'intacct.name' })
      assert.throws(() => write({ name: 'lookup', object: name }), { code: 'intacct.name' })
      assert.throws(
        () => write({ name: 'query', query: { object: 'VENDOR', select: [name], orderBy: ['RECORDNO'], pageSize: 1 } }),
        { code: 'intacct.name' },
      )
    })
})
