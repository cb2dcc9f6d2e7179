import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { createAgenda } from '../../../sandbox/basware/agenda.ts'
import { faultsOf } from '../../../sandbox/basware/check.ts'
import { choice, date, integer, list, must, number, one, text, yesNo } from '../../../sandbox/basware/fields/kinds.ts'

describe('Basware sandbox: parts', () => {
  const entity = {
    code: must(text(1, 3)),
    state: choice('a', 'b'),
    any: choice(),
    count: integer(0, 10),
    sum: number(-5, 5),
    day: date,
    flag: yesNo,
    names: must(list({ name: must(text()) })),
    tags: list(),
    inner: one({ deep: must(number()) }),
  }

  it('check finds nothing wrong with what is right', () => {
    deepStrictEqual(faultsOf(entity, { code: 'abc', names: [] }), [])
    const full = { state: 'b', any: 'x', count: 10, sum: -5, day: '2026-02-01T10:00:00.123+02:00', flag: false }
    const more = { names: [{ name: '' }], tags: ['x'], inner: { deep: 1 } }
    deepStrictEqual(faultsOf(entity, { code: 'a', ...full, ...more }), [])
    deepStrictEqual(faultsOf(entity, { code: 'a', names: [], state: null, count: null, tags: null }), [])
    for (const day of ['2026-02-01', '2026-02-01T10:00', '2026-02-01T10:00:00Z'])
      deepStrictEqual(faultsOf(entity, { code: 'a', names: [], day }), [])
  })

  it('check names each fault by its path', () => {
    const wrong = {
      code: 'abcd',
      state: 'c',
      count: 1.5,
      sum: 6,
      day: '1.2.2026',
      flag: 1,
      names: [{}, 'x'],
      tags: [1],
    }
    deepStrictEqual(faultsOf(entity, { ...wrong, inner: {}, other: 1 }), [
      'code: length over 3',
      'state: not one of the values',
      'count: a whole number is needed',
      'sum: value over 5',
      'day: a date is needed',
      'flag: true or false is needed',
      'names[0].name: required',
      'names[1]: an object is needed',
      'tags[0]: a text is needed',
      'inner.deep: required',
      'other: no such field',
    ])
    deepStrictEqual(faultsOf(entity, { names: null }), ['code: required', 'names: may not be null'])
    deepStrictEqual(faultsOf(entity, { code: '', names: {}, count: -1, inner: [] }), [
      'code: length under 1',
      'names: a list is needed',
      'count: value under 0',
      'inner: an object is needed',
    ])
    deepStrictEqual(faultsOf(entity, { code: 'a', names: [], day: '2026-13-01', inner: null }), [
      'day: a date is needed',
      'inner: may not be null',
    ])
    for (const value of [null, 'x', [], 1]) deepStrictEqual(faultsOf(entity, value), ['$: an object is needed'])
  })

  it('an agenda does what is due, in the order of its time', () => {
    let time = 0
    const done: string[] = []
    const agenda = createAgenda(() => time)
    agenda.after(0, () => done.push('now'))
    agenda.after(20, () => done.push('second'))
    agenda.after(10, () => {
      done.push('first')
      agenda.after(5, () => done.push('between'))
    })
    agenda.after(30, () => done.push('third'))
    agenda.settle()
    deepStrictEqual(done, ['now'])
    time = 25
    agenda.settle()
    deepStrictEqual(done, ['now', 'first', 'between', 'second'])
    time = 31
    agenda.settle()
    deepStrictEqual(done.slice(4), ['third'])
    agenda.after(99, () => done.push('forced'))
    agenda.finish()
    strictEqual(done.at(-1), 'forced')
  })
})
