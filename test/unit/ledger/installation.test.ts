import { deepStrictEqual, equal, match, throws } from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installationFile, readInstallation, whyRestored, writeInstallation } from '../../../ledger/installation.ts'
import type { SyncError } from '../../../sync/contract/errors.ts'

describe('the file of an installation', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tieout-installation-'))
    file = installationFile(join(folder, 'deep', 'ledger.db'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it("is its owner's alone, and keeps what was not given", () => {
    equal(readInstallation(file), undefined)
    writeInstallation(file, { id: 'L1', intent: 3 })
    writeInstallation(file, { tokens: { 'x3:main': 2 } })
    deepStrictEqual(readInstallation(file), { id: 'L1', intent: 3, tokens: { 'x3:main': 2 } })
    equal(statSync(file).mode & 0o777, 0o600)
    throws(() => statSync(`${file}.new`))
  })

  it('takes no number back', () => {
    writeInstallation(file, { id: 'L1', intent: 3, tokens: { a: 5 } })
    writeInstallation(file, { intent: 2, tokens: { a: 4, b: 1 } })
    deepStrictEqual(readInstallation(file), { id: 'L1', intent: 3, tokens: { a: 5, b: 1 } })
    writeInstallation(file, { id: 'L2', intent: 1 })
    deepStrictEqual(readInstallation(file), { id: 'L2', intent: 3, tokens: { a: 5, b: 1 } })
  })

  it('knows a ledger as it is, and tells one that is not: no file, another id, a lower number, a damaged file', () => {
    const ledger = { id: 'L1', intent: 3 }
    match(whyRestored(file, ledger) ?? '', /there is no/)
    writeInstallation(file, { tokens: { a: 1 } })
    match(whyRestored(file, ledger) ?? '', /there is no/)
    writeInstallation(file, ledger)
    equal(whyRestored(file, ledger), undefined)
    equal(whyRestored(file, { ...ledger, intent: 4 }), undefined, 'killed before the file was written')
    match(whyRestored(file, { ...ledger, intent: 1 }) ?? '', /2 posting\(s\)/)
    match(whyRestored(file, { ...ledger, id: 'L2' }) ?? '', /another ledger/)
    for (const text of [
      '',
      '{}',
      '[]',
      'null',
      '{"id":"L1","intent":-1,"tokens":{}}',
      '{"id":"L1","intent":3,"tokens":{"a":"1"}}',
    ]) {
      writeFileSync(file, text)
      match(whyRestored(file, ledger) ?? '', /cannot be read/, text)
      throws(
        () => readInstallation(file),
        ({ code }: SyncError) => code === 'ledger.installation',
      )
    }
    writeInstallation(file, ledger)
    equal(whyRestored(file, ledger), undefined)
  })

  it('says what to do where it cannot be written', () => {
    writeFileSync(join(folder, 'no-folder'), '')
    throws(
      () => writeInstallation(join(folder, 'no-folder', 'ledger.db.installation'), { intent: 1 }),
      ({ code, cause }: SyncError) => code === 'ledger.installation' && /allowed/.test(cause.hint ?? ''),
    )
  })
})
