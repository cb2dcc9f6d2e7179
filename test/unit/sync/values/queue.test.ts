import assert from 'node:assert/strict'
import { createFifo, createQueue } from '../../../../sync/values/queue.ts'

describe('the queue of each address', () => {
  it('runs work of one address in order, though the first takes longest, and other addresses beside it', async () => {
    const fifo = createFifo()
    const seen: string[] = []
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const slow = fifo.run('a', async () => {
      await gate
      seen.push('a1')
    })
    const next = fifo.run('a', async () => void seen.push('a2'))
    await fifo.run('b', async () => void seen.push('b1'))
    open()
    await Promise.all([slow, next])
    assert.deepEqual(seen, ['b1', 'a1', 'a2'])
  })

  it('goes on after a failure, and gives each its own error', async () => {
    const fifo = createFifo()
    const failed = fifo.run('a', async () => {
      throw new Error('first')
    })
    const done = fifo.run('a', async () => 'second')
    await assert.rejects(failed, /first/)
    assert.equal(await done, 'second')
  })

  it('does not run what was aborted while it waited', async () => {
    const fifo = createFifo()
    const stop = new AbortController()
    let ran = false
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const first = fifo.run('a', () => gate)
    const waiting = fifo.run(
      'a',
      async () => {
        ran = true
      },
      stop.signal,
    )
    stop.abort(new Error('closed'))
    await assert.rejects(waiting, /closed/)
    open()
    await first
    await fifo.run('a', async () => undefined)
    assert.equal(ran, false)
  })
})

describe('queue', () => {
  it('has so much work at a time, in the order of arrival, and gives a place back however the work ends', async () => {
    const queue = createQueue(2)
    const begun: number[] = []
    const ends: (() => void)[] = []
    const running = [1, 2, 3, 4].map((n) =>
      queue.run(
        () =>
          new Promise<void>((resolve, reject) => {
            begun.push(n)
            ends.push(n === 1 ? () => reject(new Error('first')) : resolve)
          }),
      ),
    )
    assert.deepEqual(begun, [])
    await new Promise(setImmediate)
    assert.deepEqual(begun, [1, 2])
    assert.equal(queue.isBusy(), true)
    ends[0]?.()
    await assert.rejects(running[0] as Promise<void>, /first/)
    await new Promise(setImmediate)
    assert.deepEqual(begun, [1, 2, 3])
    ends[1]?.()
    await running[1]
    await new Promise(setImmediate)
    for (const end of ends) end()
    await Promise.all(running.slice(1))
    assert.deepEqual(begun, [1, 2, 3, 4])
    await new Promise(setImmediate)
    assert.equal(queue.isBusy(), false)
  })

  it('lets go of what is aborted while it waits, at once and only that', async () => {
    const queue = createQueue()
    const stop = new AbortController()
    let open = () => {}
    const first = queue.run(() => new Promise<void>((resolve) => (open = resolve)), stop.signal)
    const second = queue.run(async () => 'second', stop.signal)
    const third = queue.run(async () => 'third')
    await new Promise(setImmediate)
    stop.abort(new Error('stopped'))
    await assert.rejects(second, /stopped/)
    await assert.rejects(
      queue.run(async () => 'late', stop.signal),
      /stopped/,
    )
    open()
    await first
    assert.equal(await third, 'third')
    await new Promise(setImmediate)
    assert.equal(queue.isBusy(), false)
  })

  it('tells of a failure before the next begins, through everybody who hands it on', async () => {
    const queue = createQueue()
    const seen: string[] = []
    const handedOn = async () => {
      try {
        await queue.run(async () => {
          throw new Error('first')
        })
      } finally {
        await null
      }
    }
    const first = handedOn().catch(async () => {
      await null
      seen.push('told')
    })
    const second = queue.run(async () => void seen.push('next'))
    await Promise.all([first, second])
    assert.deepEqual(seen, ['told', 'next'])
  })
})
