import { deepStrictEqual, rejects, strictEqual, throws } from 'node:assert'
import { jsonata } from '../../../nodes/mapping/jsonata.ts'
import { util } from '../../support/util.ts'

const work = (source: string, row: Record<string, unknown> = {}) => jsonata(util)(source)(row as never, row as never)

describe('an expression of a mapping', () => {
  it('finds, replaces and splits by patterns, counts ranges, pads and takes doubles away as JSONata does', async () => {
    const row = { text: 'AB-12-34', codes: ['a', 'b', 'a'], n: 3 }
    strictEqual(await work('$replace(text, /-(\\d)/, "/$1")', row), 'AB/12/34')
    deepStrictEqual([...((await work('$match(text, /\\d+/).match', row)) as string[])], ['12', '34'])
    deepStrictEqual([...((await work('$split(text, /-/)', row)) as string[])], ['AB', '12', '34'])
    strictEqual(await work('$contains(text, /^ab/i)', row), true)
    strictEqual(await work('$sum([1..n])', row), 6)
    deepStrictEqual([...((await work('[1..2, 5]', row)) as number[])], [1, 2, 5])
    strictEqual(Array.isArray(await work('[3..1]', row)), true)
    strictEqual(await work('$pad(text, -10, "#")', row), '##AB-12-34')
    strictEqual(await work('$pad("7", 3)', row), '7  ')
    deepStrictEqual([...((await work('$distinct(codes)', row)) as string[])], ['a', 'b'])
  })

  const BOUNDS: Readonly<Record<string, readonly [string, RegExp]>> = {
    'that never ends': ['($f := function($n) { $f($n + 1) }; $f(0))', /took longer than 2 s/],
    'that calls itself without end': ['($f := function($n) { 1 + $f($n + 1) }; $f(0))', /calls itself/],
    'with a pattern that tries every way': ['$match(text, /(a+)+$/)', /pattern .* took longer/],
    'with a range without bounds': ['$sum([1..9999999])', /range has 100000/],
    'that pads without bounds': ['$length($pad("x", 900000000))', /\$pad fills up to/],
    'that brings an expression of its own': ['$eval("[1..9999999]")', /\$eval/],
  }
  for (const [name, [source, error]] of Object.entries(BOUNDS))
    it(`${name} is ended in words, and others have their turn meanwhile`, async () => {
      const row = { text: `${'a'.repeat(60)}!` }
      // In time of the processor: on a busy machine the clock goes on where nobody works.
      const worked = (): number => {
        const { user, system } = process.threadCpuUsage()
        return (user + system) / 1000
      }
      let longest = 0
      let last = worked()
      const turn = (): void => {
        longest = Math.max(longest, worked() - last)
        last = worked()
      }
      const tick = setInterval(turn, 5)
      await rejects(async () => work(source, row), error)
      clearInterval(tick)
      turn()
      strictEqual(longest < 1000, true, `${longest} ms without a turn`)
    })

  it('is refused where it is too long, or too deep', () => {
    throws(() => jsonata(util)(`"${'x'.repeat(10_000)}"`), /longer than 10000/)
    throws(() => jsonata(util)(`${'['.repeat(400)}1${']'.repeat(400)}`), /deeper than 300/)
  })
})
