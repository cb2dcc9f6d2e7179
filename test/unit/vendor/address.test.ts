/** Addresses as people paste them, in every field that holds one. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { createConnection as createDatabricks, workspaceOf } from '../../../nodes/databricks/client/connection.ts'
import { checkHost } from '../../../nodes/intacct/client/http.ts'
import { createConnection as createPowerbi } from '../../../nodes/powerbi/client/connection.ts'
import { accountOf } from '../../../nodes/snowflake/client/account.ts'
import { hostIn } from '../../../vendor/address.ts'

describe('addresses in fields', () => {
  it('are a host where nothing else can be meant', () => {
    deepEqual(hostIn(' HTTPS://Adb-1.azuredatabricks.net/?o=12#x '), {
      host: 'adb-1.azuredatabricks.net',
      port: undefined,
    })
    deepEqual(hostIn('host.example:8443/path'), { host: 'host.example', port: 8443 })
    for (const none of [
      '',
      'a b',
      'http://host.example',
      'ftp://host.example',
      'https://user:pass@host.example',
      '[::1]',
    ])
      equal(hostIn(none), undefined, none)
    deepEqual(hostIn('http://127.0.0.1:80', 'http'), { host: '127.0.0.1', port: undefined })
  })

  it('Databricks: scheme, path and port are taken apart, and two ports are refused', () => {
    const url = 'https://adb-1.2.azuredatabricks.net'
    for (const text of ['adb-1.2.azuredatabricks.net', `${url}/`, `${url}/sql/1.0/warehouses/abc`, `${url}:443`])
      deepEqual(workspaceOf(text), { host: 'adb-1.2.azuredatabricks.net', port: 443, url })
    equal(workspaceOf(`${url}:8443`).url, `${url}:8443`)
    equal(workspaceOf('localhost', 8443).url, 'https://localhost:8443')
    throws(() => workspaceOf('localhost:1', 2), /with the port of the field beside it \(2\): localhost:1/)
    throws(() => workspaceOf('http://x'), /reached by https: http:\/\/x/)
    const auth = { kind: 'token', token: 't' } as const
    equal(createDatabricks({ host: `${url}/`, path: '/p', auth }).address, 'databricks://adb-1.2.azuredatabricks.net')
  })

  it('Snowflake: one account, however it is written', () => {
    const at = (account: string) => accountOf({ account })
    const fin = { account: 'MYORG-FIN_1', accessUrl: 'https://myorg-fin-1.snowflakecomputing.com' }
    for (const text of ['MYORG-FIN_1', 'MYORG.FIN_1', 'https://app.snowflake.com/myorg/fin_1/#/data'])
      deepEqual(at(text), fin, text)
    const address = { account: 'myorg-fin-1', accessUrl: fin.accessUrl }
    for (const text of ['myorg-fin-1.snowflakecomputing.com', 'https://myorg-fin-1.snowflakecomputing.com/console'])
      deepEqual(at(text), address, text)
    for (const locator of ['xy12345', 'xy12345.eu-central-1', 'xy12345.west-europe.azure', 'xy12345.privatelink'])
      deepEqual(at(locator), { account: locator, accessUrl: `https://${locator}.snowflakecomputing.com` })
    equal(at('xy1.cn-north-1.snowflakecomputing.cn').accessUrl, 'https://xy1.cn-north-1.snowflakecomputing.cn')
    for (const wrong of ['https://x.com', 'my org', 'MYORG-FIN:8443', 'http://x.snowflakecomputing.com'])
      throws(() => at(wrong), /Field account: it must be an account identifier/, wrong)
  })

  it('Snowflake: beside a host the account stays as it was saved, since what was delivered is known by it', () => {
    const given = { account: 'MYORG.FIN', host: 'https://fin.example.com:8443/x' }
    deepEqual(accountOf(given), { account: 'MYORG.FIN', accessUrl: 'https://fin.example.com:8443' })
    equal(accountOf({ account: 'A', host: 'http://127.0.0.1:8080' }).accessUrl, 'http://127.0.0.1:8080')
    throws(() => accountOf({ ...given, port: 1 }), /Field host: .* with the port of the field beside it \(1\)/)
    throws(() => accountOf({ ...given, protocol: 'http' }), /Field host: .* reached by http:/)
  })

  it('Intacct: a gateway without scheme or path is that of the host', () => {
    equal(checkHost('api.intacct.com', [], 'The gateway').href, 'https://api.intacct.com/ia/xml/xmlgw.phtml')
    equal(checkHost('https://api.intacct.com/other', [], 'The gateway').href, 'https://api.intacct.com/other')
    equal(checkHost('http://localhost:1/', ['https://localhost:1/x'], 'The gateway').host, 'localhost:1')
    throws(() => checkHost('evil.example', [], 'The gateway'), /is not a host of Intacct/)
  })

  it('Power BI: an API address without scheme, or with the path of its requests', () => {
    const at = (apiUrl: string) => {
      const auth = {
        tenant: 't',
        clientId: 'c',
        login: { kind: 'secret', secret: 's' },
        authority: 'https://l',
        resource: 'r',
      } as const
      return createPowerbi({ apiUrl, timeoutMs: 1, auth }).address
    }
    equal(at('api.powerbi.com'), 'powerbi://api.powerbi.com')
    equal(at('https://api.powerbi.com/v1.0/myorg/'), 'powerbi://api.powerbi.com')
    throws(() => at('ftp://api.powerbi.com'), /The API address is no URL/)
  })
})
