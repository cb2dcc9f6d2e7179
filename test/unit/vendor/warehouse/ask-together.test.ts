import assert from 'node:assert/strict'
import type { Mark } from '../../../../sync/contract/target.ts'
import { askTogether } from '../../../../vendor/warehouse/ask-together.ts'
import { writeMarksTogether } from '../../../../vendor/warehouse/mark-writer.ts'
import { waitFor } from '../../../support/wait.ts'

describe('questions asked at the same time', () => {
  it('are answered together, to each its own, those of another kind apart', async () => {
    const asked: string[][] = []
    const ask = askTogether(
      async (questions: readonly string[]) => {
        asked.push([...questions])
        return questions.map((question) => question.toUpperCase())
      },
      (question) => question[0],
    )
    assert.deepEqual(await Promise.all(['a1', 'b1', 'a2'].map(ask)), ['A1', 'B1', 'A2'])
    assert.deepEqual(asked, [['a1', 'a2'], ['b1']])
    assert.equal(await ask('a3'), 'A3')
    assert.equal(asked.length, 3)
  })

  it('all fail with one that fails, and later ones do not', async () => {
    let isDown = true
    const ask = askTogether(
      async (questions: readonly number[]) => {
        if (isDown) throw new Error('down')
        return questions
      },
      () => 0,
    )
    const answers = await Promise.allSettled([ask(1), ask(2)])
    assert.deepEqual(
      answers.map((answer) => answer.status === 'rejected' && (answer.reason as Error).message),
      ['down', 'down'],
    )
    isDown = false
    assert.equal(await ask(3), 3)
  })
})

describe('marks', () => {
  const run = () => ({ signal: new AbortController().signal, waiting: () => undefined })
  const mark = (entity: string) => ({ entity }) as Mark
  const entities = (marks: readonly { readonly mark: Mark }[]) => marks.map((one) => one.mark.entity)

  /** A writer whose statements end when the test lets them. */
  const start = () => {
    const written: string[][] = []
    const ends: (() => void)[] = []
    const write = writeMarksTogether<{ mark: Mark; context: ReturnType<typeof run>; place: string }>(
      ({ place }) => place,
      (marks) => {
        written.push(entities(marks))
        return new Promise<void>((resolve) => ends.push(resolve))
      },
    )
    const end = async () => {
      await waitFor(() => ends.length > 0)
      ends.shift()?.()
    }
    return { write, written, end }
  }

  it('that come while one is written are written together, after it', async () => {
    const { write, written, end } = start()
    const context = run()
    const all = ['a', 'b', 'c', 'd'].map((entity, i) => {
      const writing = () => write({ mark: mark(entity), context, place: 'marks' })
      return i === 0 ? writing() : waitFor(() => written.length === 1).then(writing)
    })
    await waitFor(() => written.length === 1)
    await new Promise((resolve) => setImmediate(resolve))
    await end()
    await end()
    await Promise.all(all)
    assert.deepEqual(written, [['a'], ['b', 'c', 'd']])
  })

  it('of another run or table go in a statement of their own, never two at a time', async () => {
    const { write, written, end } = start()
    const [mine, other] = [run(), run()]
    const all = [
      write({ mark: mark('a'), context: mine, place: 'marks' }),
      write({ mark: mark('b'), context: mine, place: 'elsewhere' }),
      write({ mark: mark('c'), context: other, place: 'marks' }),
    ]
    for (const count of [1, 2, 3]) {
      await waitFor(() => written.length === count)
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(written.length, count)
      await end()
    }
    await Promise.all(all)
    assert.deepEqual(written, [['a'], ['b'], ['c']])
  })

  it('are no more in a statement than its parameters allow', async () => {
    const { write, written, end } = start()
    const context = run()
    const all = Array.from({ length: 30 }, (_, i) => write({ mark: mark(`e${i}`), context, place: 'marks' }))
    await end()
    await end()
    await Promise.all(all)
    assert.deepEqual(
      written.map(({ length }) => length),
      [25, 5],
    )
  })
})
