import { strictEqual, throws } from 'node:assert'
import { databricksConnection } from '../../../nodes/databricks/databricks-connection.ts'
import { intacctConnection } from '../../../nodes/intacct/intacct-connection.ts'
import { readConfig } from '../../../nodes/kit/config.ts'
import type { Values } from '../../../nodes/kit/variables.ts'
import { powerbiConnection } from '../../../nodes/powerbi/powerbi-connection.ts'
import { snowflakeConnection } from '../../../nodes/snowflake/snowflake-connection.ts'
import { x3Connection } from '../../../nodes/x3/x3-connection.ts'

const needed = { url: 'u', senderId: 's', company: 'c', user: 'u', host: 'h', account: 'a', tenant: 't', clientId: 'c' }
const connections = {
  x3: (values: Values) => readConfig(x3Connection, { ...needed, ...values }),
  intacct: (values: Values) => readConfig(intacctConnection, { ...needed, ...values }),
  databricks: (values: Values) => readConfig(databricksConnection, { ...needed, ...values }),
  snowflake: (values: Values) => readConfig(snowflakeConnection, { ...needed, ...values }),
  powerbi: (values: Values) => readConfig(powerbiConnection, { ...needed, ...values }),
}

describe('connections that were saved before a request was bounded in all', () => {
  for (const [vendor, read] of Object.entries(connections))
    it(`${vendor}: ten minutes, or the time-out where that is longer`, () => {
      const old = (values: Values) => read({ version: 1, ...values }).totalSeconds
      strictEqual(old({ timeoutSeconds: 60 }), 600)
      strictEqual(old({}), 600)
      strictEqual(old({ timeoutSeconds: '900' }), 900)
      strictEqual(read({ version: 1, timeoutSeconds: '900' }).timeoutSeconds, 900)
      // The dialog writes the new field into a node that was made by the version before.
      strictEqual(old({ timeoutSeconds: 900, totalSeconds: '300' }), 300)
      strictEqual(old({ timeoutSeconds: 60, totalSeconds: '' }), 600)
      strictEqual(read({ version: 2, totalSeconds: 20 }).totalSeconds, 20)
      throws(() => read({ version: 2, totalSeconds: 0 }), /totalSeconds.*at least 1/)
      throws(() => read({ version: 2, totalSeconds: '${LONGEST}' }), /totalSeconds.*LONGEST is not set/)
    })
})

describe('connections that were saved when an own CA was trusted alone', () => {
  const pem = '-----BEGIN CERTIFICATE-----'
  for (const [vendor, read] of Object.entries(connections)) {
    const alone = vendor === 'x3' || vendor === 'intacct'
    it(`${vendor}: ${alone ? 'go on so' : 'trusted the public ones too, and go on so'}`, () => {
      strictEqual(read({ version: 2, ca: pem }).onlyCa, alone)
      strictEqual(read({ version: 1, ca: pem }).onlyCa, alone)
      strictEqual(read({ version: 2, ca: ' ' }).onlyCa, false)
      strictEqual(read({ version: 2 }).onlyCa, false)
      // The dialog shows it ticked, and writes what it is left at.
      strictEqual(read({ version: 2, ca: pem, onlyCa: false }).onlyCa, false)
      strictEqual(read({ version: 3 - Number(!alone), ca: pem, onlyCa: 'true' }).onlyCa, true)
      strictEqual(read({ version: 3 - Number(!alone), ca: pem }).onlyCa, false)
    })
  }
})

describe('sources that were saved before their name was asked for', () => {
  const x3 = (values: Values) =>
    connections.x3({ url: 'https://x3.example.com:8124', folder: 'SEED', ...values }).source

  it('keep the one that was made of what they are', () => {
    for (const version of [undefined, 1, 2, 3]) {
      strictEqual(x3({ version, source: '' }), 'x3:x3.example.com:8124:SEED')
      strictEqual(connections.intacct({ version, company: 'ACME', entity: 'FR' }).source, 'intacct:ACME:FR')
    }
    strictEqual(x3({ url: 'X3.example.com', folder: ' ', source: ' ' }), 'x3:x3.example.com')
    strictEqual(x3({ login: 'cloud', customer: 'https://me.x3.com/api' }), 'x3:me.x3.com:SEED')
    strictEqual(connections.intacct({ company: 'ACME' }).source, 'intacct:ACME')
  })

  it('keep one that they were given', () => {
    strictEqual(x3({ version: 3, source: 'books' }), 'books')
    strictEqual(connections.intacct({ version: 3, source: 'books' }).source, 'books')
  })

  it('have no default any more once they are new', () => {
    throws(() => x3({ version: 4 }), /Field source: Source name is missing: a short name such as x3/)
    throws(() => connections.intacct({ version: 4, source: ' ' }), /Field source: Source name is missing/)
    throws(
      () => x3({ version: 4, source: '${X3_SOURCE}' }),
      /Field source: the environment variable X3_SOURCE is not set/,
    )
    throws(() => x3({ version: 3, url: '${X3_URL}' }), /Field url: the environment variable X3_URL is not set/)
  })
})
