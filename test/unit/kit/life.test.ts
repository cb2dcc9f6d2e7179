import assert from 'node:assert/strict'
import type { Node } from 'node-red'
import { lifeOf } from '../../../nodes/kit/life.ts'

const node = (said: string[] = []): Node => ({ debug: (text: string) => said.push(text) }) as unknown as Node

describe('the work of a live node', () => {
  it('that is done again and again goes on after each error, and ends with the node', async () => {
    const life = lifeOf(node())
    let times = 0
    const failures: string[] = []
    await new Promise<void>((resolve) => {
      life.every(
        1,
        async () => {
          if (++times === 5) resolve()
          throw new Error(`${times}`)
        },
        (error) => failures.push((error as Error).message),
      )
    })
    await life.end(1000)
    assert.deepEqual(failures, ['1', '2', '3', '4', '5'])
    assert.equal(life.signal.aborted, true)
  })

  it('lets nothing escape, and is waited for at the end, before what closes', async () => {
    const said: string[] = []
    const life = lifeOf(node(said))
    const order: string[] = []
    let go = (): void => {}
    void life.run(
      () => new Promise<void>((resolve) => (go = resolve)),
      () => {},
      () => order.push('drained'),
    )
    void life.run(
      () => {
        throw new Error('work')
      },
      () => {
        throw new Error('of the handler')
      },
    )
    life.atClose(() => void order.push('first'))
    life.atClose(() => {
      order.push('last')
      throw new Error('at the end')
    })
    const ended = life.end(1000)
    go()
    await ended
    assert.deepEqual(order, ['drained', 'last', 'first'])
    assert.deepEqual(said, ['in the error handling: Error: of the handler', 'at close: Error: at the end'])
  })
})
