import { deepStrictEqual, doesNotMatch, ok, throws } from 'node:assert'
import { globSync, readFileSync } from 'node:fs'
import { faultsOf } from '../../../check/flows.ts'

const types = new Map([
  ['x3-poll', []],
  ['x3-connection', ['secret', 'password']],
  ['inject', []],
])
const check = (nodes: readonly object[], variables: Readonly<Record<string, string>> = {}): string[] =>
  faultsOf(
    nodes.map((node, n) => ({ id: `n${n}`, ...node })),
    { types, variables },
  )

describe('the check of flow files', () => {
  it('finds nodes that are not installed; subflows and what Node-RED keeps itself are no nodes of anybody', () => {
    deepStrictEqual(
      check([{ type: 'tab' }, { type: 'subflow', id: 's' }, { type: 'subflow:s' }, { type: 'inject' }]),
      [],
    )
    deepStrictEqual(check([{ type: 'x4-poll', name: 'Read' }, { type: 'subflow:gone' }]), [
      '"Read" (x4-poll): this type of node is not installed',
      'n1 (subflow:gone): this type of node is not installed',
    ])
  })

  it('finds ids that come twice, and syncs of one name in one ledger', () => {
    const sync = { type: 'x3-poll', syncName: 'a', ledger: 'L' }
    deepStrictEqual(check([sync, { ...sync, ledger: 'M' }, { ...sync, d: true }]), [])
    deepStrictEqual(check([sync, { ...sync, name: 'Again' }, { type: 'inject', id: 'n0' }]), [
      '"Again" (x3-poll): its sync has the name "a" of n0 (x3-poll)',
      'n0 (inject): has the id of n0 (x3-poll)',
    ])
  })

  it('finds variables that are not set, at any depth; those with a default and those of a flow need not be', () => {
    const node = { type: 'inject', url: `\${URL}`, rows: [{ to: `\${TO}` }], more: `\${MORE:-}`, text: `a \${B} c` }
    deepStrictEqual(check([node], { URL: 'x' }), ['n0 (inject): rows names the variable TO, which is not set'])
    deepStrictEqual(check([node, { type: 'tab', env: [{ name: 'TO' }, { name: 'URL' }] }]), [])
  })

  it('finds variables of secrets that are not set or may hold none', () => {
    const node = { type: 'x3-connection', secretFrom: 'X3_SECRET', passwordFrom: '' }
    deepStrictEqual(check([node], { X3_SECRET: 's' }), [])
    deepStrictEqual(check([node], { X3_SECRET_FILE: '/run/secrets/x3' }), [])
    deepStrictEqual(check([node]), [
      'n0 (x3-connection): secret is in the variable X3_SECRET, and neither it nor X3_SECRET_FILE is set',
    ])
    deepStrictEqual(check([{ ...node, secretFrom: 'TIEOUT_KEY' }], { TIEOUT_KEY: 'x' }), [
      'n0 (x3-connection): secretFrom: "TIEOUT_KEY" is no variable for a secret',
    ])
  })

  it('finds secrets in the file, and does not repeat them', () => {
    const found = check(
      [
        { type: 'x3-connection', credentials: { secret: 'hush-1', password: `\${X3_PASSWORD}` } },
        { type: 'x3-connection', proxy: 'http://me:hush-2@proxy:3128' },
        { type: 'inject', payload: '-----BEGIN RSA PRIVATE KEY-----hush-3' },
        { type: 'tab', env: [{ name: 'KEY', type: 'cred', value: 'hush-4' }] },
      ],
      { X3_PASSWORD: 'x' },
    )
    deepStrictEqual(
      found.map((text) => /\((\w[\w ]*)\); let a variable hold it$/.exec(text)?.[1]),
      ['secret', 'proxy', 'payload', 'env KEY'],
    )
    doesNotMatch(found.join(), /hush/)
  })

  it('takes what is no flow file for none', () => {
    for (const wrong of [{}, [{}], 'x', [null]]) throws(() => faultsOf(wrong, { types, variables: {} }), /no flow file/)
  })

  it('finds in each template the variables that must be set, and nothing else', () => {
    const files = globSync('flows/*.json')
    ok(files.length >= 5)
    for (const file of files) {
      const nodes = JSON.parse(readFileSync(file, 'utf8'))
      const own = { types: new Map(nodes.map(({ type }: { type: string }) => [type, ['secret']])), variables: {} }
      const faults = faultsOf(nodes, own as Parameters<typeof faultsOf>[1])
      ok(faults.length > 3)
      deepStrictEqual(
        faults.filter((text) => !/variable \w+, (?:which is|and neither)/.test(text)),
        [],
      )
    }
  })
})
