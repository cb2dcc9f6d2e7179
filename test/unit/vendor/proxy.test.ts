import { equal } from 'node:assert/strict'
import { bypasses, proxyFor, proxyName, proxyUrl, withoutLogins } from '../../../vendor/proxy.ts'

const href = (...asked: Parameters<typeof proxyFor>): string | undefined => proxyFor(...asked)?.url.href

describe('the proxy of an address', () => {
  const field = 'http://field:1'

  it('is that of the field, whatever the environment says', () => {
    equal(href('https://h/', field, { HTTPS_PROXY: 'http://env:2', NO_PROXY: '*' }), `${field}/`)
    equal(proxyFor('https://h/', 'proxy:3128', {})?.url.href, 'http://proxy:3128/')
  })

  it('is that of the environment, small letters first, by the scheme of the address', () => {
    const env = { HTTPS_PROXY: 'large:1', https_proxy: 'http://small:2', HTTP_PROXY: 'plain:3' }
    equal(href('https://h/', undefined, env), 'http://small:2/')
    equal(proxyFor('https://h/', '', { ...env, https_proxy: '' })?.from, 'HTTPS_PROXY')
    equal(href('http://h/', undefined, env), 'http://plain:3/')
    equal(href('https://h/', undefined, {}), undefined)
    for (const own of ['https://localhost:1/', 'https://127.0.0.1/', 'http://[::1]/'])
      equal(href(own, undefined, env), undefined)
    equal(href('https://localhost/', field, env), `${field}/`)
    equal(href('https://h.example/', undefined, { ...env, no_proxy: 'example' }), undefined)
    equal(href('https://h.example/', undefined, { ...env, NO_PROXY: 'h.example:444' }), 'http://small:2/')
  })

  it('is not taken for what NO_PROXY names', () => {
    const table: readonly (readonly [list: string, host: string, port: number, found: boolean])[] = [
      ['example.com', 'example.com', 443, true],
      ['example.com', 'a.b.Example.com', 443, true],
      ['example.com', 'notexample.com', 443, false],
      ['.example.com', 'example.com', 443, true],
      ['*.example.com', 'a.example.com', 443, true],
      ['*.example.com', 'example.com', 443, false],
      ['a.com, example.com:8443', 'example.com', 8443, true],
      ['a.com example.com:8443', 'example.com', 443, false],
      ['10.0.0.0/8', '10.20.30.40', 443, true],
      ['10.0.0.0/8', '11.0.0.1', 443, false],
      ['10.0.0.0/8', 'ten.example', 443, false],
      ['10.0.0.0/99,10.0.0.0/', '10.0.0.1', 443, false],
      ['fd00::/8', '[fd12::1]', 443, true],
      ['[::1]:8443', '[::1]', 8443, true],
      ['127.0.0.1', '127.0.0.1', 443, true],
      ['*', 'anything', 1, true],
      [' , ', 'anything', 1, false],
      ['example.com', 'example.com.', 443, true],
    ]
    for (const [list, host, port, found] of table) equal(bypasses(list, host, port), found, `${list} | ${host}:${port}`)
  })

  it('is shown without its login', () => {
    const url = proxyUrl('https://me:p%40ss@proxy.example:8080') as URL
    equal(proxyName(url), 'https://proxy.example:8080')
    equal(withoutLogins('by http://me:pass@proxy:1 and https://h/a@b'), 'by http://proxy:1 and https://h/a@b')
    for (const none of ['ftp://proxy', 'a b', '']) equal(proxyUrl(none), undefined)
  })
})
