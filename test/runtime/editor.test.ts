import { match, notStrictEqual, ok } from 'node:assert'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Editor, startEditor } from '../../demo/editor.ts'

describe('the demo starts Node-RED', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tieout-editor-'))
  let editor: Editor | undefined
  after(async () => {
    await editor?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  it('on another port where somebody has taken the one that was free a moment ago', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    try {
      editor = await startEditor({ dir, port })
      match(editor.url, /^http:\/\/127\.0\.0\.1:\d+$/)
      notStrictEqual(editor.url, `http://127.0.0.1:${port}`)
      ok(await editor.call('GET', '/flows'))
    } finally {
      other.close()
    }
  })
})
