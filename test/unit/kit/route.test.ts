import { deepStrictEqual, doesNotMatch, match, rejects, strictEqual, throws } from 'node:assert'
import { pemBlocks, quietHours, routeLine, routeOf } from '../../../nodes/kit/route.ts'
import { authority } from '../../support/wire-certificates.ts'

const times = { timeoutSeconds: 2, totalSeconds: 3 }
const given = { ca: '', onlyCa: false, proxy: '', ...times }
const none = { proxyPassword: '' }

describe('the way of a connection, in its dialog', () => {
  const inherited = { ...process.env }
  const clear = () => {
    for (const name of ['https_proxy', 'HTTPS_PROXY', 'NODE_EXTRA_CA_CERTS']) delete process.env[name]
  }
  before(clear)
  after(() => {
    clear()
    Object.assign(process.env, inherited)
  })

  it('has times in milliseconds, certificates in their form, and a proxy as it was written', async () => {
    deepStrictEqual(await routeOf(given, none), { timeoutMs: 2000, totalMs: 3000 })
    const [one, other] = [await authority('One'), await authority('Other')]
    const lost = `${one.cert.replaceAll('\n', ' ')} and ${other.cert.replaceAll('\n', '\\n')}`
    const { ca, onlyCa } = await routeOf({ ...given, ca: lost, onlyCa: true }, none)
    deepStrictEqual([ca?.replaceAll('\r', '').trim(), onlyCa], [`${one.cert.trim()}\n${other.cert.trim()}`, true])
    strictEqual((await routeOf({ ...given, proxy: 'proxy:3128' }, none)).proxy, 'proxy:3128')
  })

  it('puts the password of the proxy into its address, whatever stands in it', async () => {
    const { proxy } = await routeOf({ ...given, proxy: 'me@proxy:3128' }, { proxyPassword: 'a/b@c:%' })
    const { username, password, host } = new URL(proxy ?? '')
    deepStrictEqual([username, decodeURIComponent(password), host], ['me', 'a/b@c:%', 'proxy:3128'])
  })

  it('refuses a field that cannot be meant, without the login of a proxy', async () => {
    const refused = (more: object) =>
      routeOf({ ...given, ...more }, { ...none, ...more }).then(
        () => '',
        (error: Error) => error.message,
      )
    match(await refused({ ca: '/no/such/file' }), /Field ca: neither a certificate in PEM form nor a file/)
    const broken = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'
    match(await refused({ ca: broken }), /Field ca: a certificate in it cannot be read: copy it whole/)
    match(await refused({ onlyCa: true }), /Field onlyCa: .*no certificate in "Own CA"/)
    const said = await refused({ proxy: 'ftp://me:hush@proxy:1' })
    match(said, /Field proxy: "ftp:\/\/proxy:1" is no address such as/)
    doesNotMatch(said, /hush/)
    const nobody = await refused({ proxy: 'proxy:1', proxyPassword: 'hush' })
    match(nobody, /Field proxy: there is a password, but no user in the address/)
    doesNotMatch(nobody, /hush/)
    await rejects(pemBlocks('no key', 'PRIVATE KEY', 'key'), /Field key: neither a private key in PEM form/)
  })

  it('is said in Test connection: proxy, where it stands, and whom is trusted', async () => {
    const line = async (more: object) =>
      routeLine(await routeOf({ ...given, ...more }, none), 'https://erp.example/').text
    strictEqual(await line({}), 'Without a proxy; trusted are the public certificate authorities.')
    const ca = `${(await authority('My Root')).cert}${(await authority('My Issuer')).cert}`
    strictEqual(
      await line({ ca, proxy: 'http://me:hush@proxy.example:3128' }),
      'Through the proxy http://proxy.example:3128 (field Proxy); trusted are the public certificate authorities, and the own CA "My Root", "My Issuer".',
    )
    process.env.HTTPS_PROXY = 'http://env.example:1'
    process.env.NODE_EXTRA_CA_CERTS = '/extra.pem'
    strictEqual(
      await line({ ca, onlyCa: true }),
      'Through the proxy http://env.example:1 (HTTPS_PROXY); trusted is the own CA "My Root", "My Issuer" alone.',
    )
    match(await line({}), /trusted are the public certificate authorities and those of NODE_EXTRA_CA_CERTS\.$/)
  })

  it('keeps quiet hours in any zone that Intl knows, for all sources alike', () => {
    const at = (quietFrom: string, quietTo: string, quietZone = '') => quietHours({ quietFrom, quietTo, quietZone })
    strictEqual(at('', '', 'Mars/Olympus'), undefined)
    for (const timeZone of ['Asia/Kolkata', 'Europe/Kyiv', 'US/Eastern', 'UTC'])
      deepStrictEqual(at('22:00', '04:00', timeZone), { from: '22:00', to: '04:00', timeZone })
    const timeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone
    deepStrictEqual(at('22:00', '04:00'), { from: '22:00', to: '04:00', timeZone }, 'that of the machine')
    throws(() => at('22:00', '24:00'), /Field quietTo: "24:00" is no time of day/)
    throws(() => at('22:00', '04:00', 'Mars/Olympus'), /Field quietZone: "Mars\/Olympus" is no time zone/)
  })
})
