import { deepStrictEqual, rejects, strictEqual } from 'node:assert'
import { shared } from '../../../nodes/kit/shared.ts'

describe('shared client', () => {
  it('is opened once for all callers, and not before the first', async () => {
    let opened = 0
    const one = shared(
      async () => ++opened,
      async () => {},
    )
    strictEqual(opened, 0)
    deepStrictEqual(await Promise.all([one.get(), one.get()]), [1, 1])
  })

  it('is opened again after an attempt that failed', async () => {
    let attempts = 0
    const one = shared(
      async () => {
        if (++attempts === 1) throw new Error('down')
        return attempts
      },
      async () => {},
    )
    await rejects(one.get(), /down/)
    strictEqual(await one.get(), 2)
  })

  it('is closed after its last user, and never before', async () => {
    const log: string[] = []
    const one = shared(
      async () => 'client',
      async () => void log.push('closed'),
    )
    const [first, second] = [one.use(), one.use()]
    await one.get()
    const closing = one.close(5000)
    first()
    first()
    await Promise.resolve()
    strictEqual(log.length, 0)
    log.push('second done')
    second()
    await closing
    deepStrictEqual(log, ['second done', 'closed'])
  })

  it('does not wait for ever: not for a user, not for an opening, not for a closing', async () => {
    const never = new Promise<never>(() => {})
    for (const one of [
      shared(
        async () => 'client',
        async () => never,
        10,
      ),
      shared(
        async () => never,
        async () => {},
        10,
      ),
    ]) {
      one.use()
      void one.get()
      await one.close(10)
    }
  })

  it('closes nothing that was never opened, and survives a closing that fails', async () => {
    let closed = 0
    await shared(
      async () => 1,
      async () => void closed++,
    ).close(10)
    strictEqual(closed, 0)
    const bad = shared(
      async () => 1,
      async () => Promise.reject(new Error('no')),
    )
    await bad.get()
    await bad.close(10)
  })
})
