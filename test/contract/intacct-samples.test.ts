import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { checkReply } from '../../nodes/intacct/client/errors.ts'
import { createReplyParser, type GatewayReply } from '../../nodes/intacct/client/reply.ts'

const dir = join(import.meta.dirname, '../../../shared/contracts/intacct')

/** What a sample says: level (and errorno) of its first refusal, rows of its first result, its totalcount, first and last key. */
type Line = readonly [
  file: string,
  level: 'ok' | 'control' | 'authentication' | 'result' | 'incomplete' | 'fragment',
  errorno: string,
  rows: number,
  total: string,
  first: string,
  last: string,
]

const SAMPLES: readonly Line[] = [
  ['docs/error-function-duplicate-additionalinfo.xml', 'result', 'BL01001973', 0, '', '', ''],
  ['docs/error-function-duplicate-default.xml', 'result', 'BL01001973', 0, '', '', ''],
  ['docs/error-gateway-GW-0011.xml', 'control', 'GW-0011', 0, '', '', ''],
  ['docs/error-sender-not-authorized.xml', 'authentication', 'XL03000006', 0, '', '', ''],
  ['docs/fragment-getAPISession.xml', 'fragment', '', 1, '', 'nOTaReAlSesSIonId..', 'nOTaReAlSesSIonId..'],
  ['docs/fragment-lookup-glbatch-excerpt.xml', 'fragment', '', 1, '', 'GLBATCH', 'GLBATCH'],
  ['docs/fragment-query-apbill-data.xml', 'fragment', '', 2, '2', '208', '227'],
  ['docs/fragment-query-glbatch-dotted-fields.xml', 'fragment', '', 2, '97', '2624', '2625'],
  ['docs/fragment-readByQuery-glbatch.xml', 'fragment', '', 1, '', '6679', '6679'],
  ['docs/fragment-readByQuery-glentry.xml', 'fragment', '', 1, '', '-1', '-1'],
  ['docs/fragment-readEntityDetails.xml', 'fragment', '', 1, '', 'Corporate', 'Corporate'],
  ['docs/fragment-readUserFormatting.xml', 'fragment', '', 1, '', '48', '48'],
  ['docs/query-vendor-success.xml', 'ok', '', 2, '18', '1010', '1009'],
  ['jfcote87/execFuncError.xml', 'result', 'BL34000061', 1, '', '1424', '1424'],
  ['jfcote87/execLoginInvalid.xml', 'authentication', 'XL03000006', 0, '', '', ''],
  ['jfcote87/execProjectSuccess.xml', 'ok', '', 5, '35', '989', '990'],
  ['jfcote87/execXMLError.xml', 'control', 'XL03000003', 0, '', '', ''],
  ['jfcote87/functionErrorSuccess.xml', 'result', 'Invalid fields list x', 0, '', '', ''],
  ['jfcote87/sessionInvalid.xml', 'authentication', 'XL03000006', 0, '', '', ''],
  ['jfcote87/vendorResponse.xml', 'ok', '', 2, '', '29181', '29182'],
  [
    'psintacct/Create-Session.Response.xml',
    'ok',
    '',
    1,
    '',
    'EXAMPLExSESSIONxIDxOFxSAMExSHAPE..',
    'EXAMPLExSESSIONxIDxOFxSAMExSHAPE..',
  ],
  ['psintacct/Find-IntacctObject.Response.xml', 'ok', '', 1, '816', '1350', '1350'],
  ['psintacct/Get-Attachment.Response.xml', 'ok', '', 2, '383', '1', '2'],
  ['psintacct/Get-Dimension.xml', 'incomplete', '', 1, '', 'dimensions', 'dimensions'],
  ['psintacct/Get-Object.Default.xml', 'incomplete', '', 4, '', 'application_enablement_fa', 'asset_type'],
  ['psintacct/Get-Object.Object.Details.xml', 'incomplete', '', 1, '', 'EMPLOYEE', 'EMPLOYEE'],
  ['psintacct/Get-Object.Object.xml', 'ok', '', 1, '', 'EMPLOYEE', 'EMPLOYEE'],
  ['psintacct/Save-Object.update.xml', 'ok', '', 1, '', '381', '381'],
  [
    'sdk-js/AuthenticationTest--should-set-status-from-acknowledgement.xml',
    'ok',
    '',
    1,
    '',
    'faKEsesSiOnId..',
    'faKEsesSiOnId..',
  ],
  [
    'sdk-js/AuthenticationTest--should-throw-exception-when-companyid-is-not-included-3.xml',
    'incomplete',
    '',
    0,
    '',
    '',
    '',
  ],
  [
    'sdk-js/AuthenticationTest--should-throw-exception-when-status-is-not-included-1.xml',
    'incomplete',
    '',
    0,
    '',
    '',
    '',
  ],
  [
    'sdk-js/AuthenticationTest--should-throw-exception-when-userid-is-not-included-2.xml',
    'incomplete',
    '',
    0,
    '',
    '',
    '',
  ],
  ['sdk-js/ControlTest--should-set-status-from-acknowledgement.xml', 'incomplete', '', 0, '', '', ''],
  ['sdk-js/ControlTest--should-throw-exception-when-status-is-not-included-1.xml', 'incomplete', '', 0, '', '', ''],
  ['sdk-js/OfflineClientTest--should-execute-a-request.xml', 'incomplete', '', 0, '', '', ''],
  [
    'sdk-js/OfflineResponseTest--should-parse-response-and-verify-acknowledgement-is-success.xml',
    'incomplete',
    '',
    0,
    '',
    '',
    '',
  ],
  [
    'sdk-js/OfflineResponseTest--should-throw-exception-with-missing-acknowledgement-block-1.xml',
    'incomplete',
    '',
    0,
    '',
    '',
    '',
  ],
  [
    'sdk-js/OfflineResponseTest--should-throw-exception-with-missing-acknowledgement-block-2.xml',
    'incomplete',
    '',
    0,
    '',
    '',
    '',
  ],
  [
    'sdk-js/OnlineClientTest--should-execute-a-batch-transaction-request-and-return-Result-2.xml',
    'result',
    'XL03000009',
    0,
    '',
    '',
    '',
  ],
  [
    'sdk-js/OnlineClientTest--should-execute-a-request-and-return-ResultException-1.xml',
    'result',
    'Get API Session Failed',
    0,
    '',
    '',
    '',
  ],
  ['sdk-js/OnlineClientTest--should-execute-a-request.xml', 'ok', '', 1, '', 'unittest..', 'unittest..'],
  ['sdk-js/OnlineClientTest--should-log-the-request-and-response-3.xml', 'ok', '', 1, '1', 'C0001', 'C0001'],
  [
    'sdk-js/OnlineResponseTest--should-parse-response-and-verify-acknowledgement-is-success.xml',
    'ok',
    '',
    1,
    '',
    'fAkESesSiOnId..',
    'fAkESesSiOnId..',
  ],
  [
    'sdk-js/OnlineResponseTest--should-throw-exception-with-authentication-failure-1.xml',
    'authentication',
    'XL03000006',
    0,
    '',
    '',
    '',
  ],
  [
    'sdk-js/OnlineResponseTest--should-throw-exception-with-missing-authentication-block-2.xml',
    'incomplete',
    '',
    0,
    '',
    '',
    '',
  ],
  ['sdk-js/OnlineResponseTest--should-throw-exception-with-missing-result-block-3.xml', 'ok', '', 0, '', '', ''],
  [
    'sdk-js/OnlineResponseTest--should-throw-response-exception-with-errors-4.xml',
    'control',
    'PL04000055',
    0,
    '',
    '',
    '',
  ],
  [
    'sdk-js/RequestHandlerTest--should-return-an-OnlineResponse-after-a-retry.xml',
    'ok',
    '',
    1,
    '',
    'unittest..',
    'unittest..',
  ],
  [
    'sdk-js/RequestHandlerTest--should-throw-exception-for-400-level-error-with-XML-response-1.xml',
    'control',
    'XMLGW_JPP0002',
    0,
    '',
    '',
    '',
  ],
  ['sdk-js/ResultTest--should-parse-get-list-class-response-7.xml', 'ok', '', 2, '2', 'C1234', 'C1235'],
  ['sdk-js/ResultTest--should-parse-legacy-create-class-key-response-10.xml', 'ok', '', 0, '', '', ''],
  ['sdk-js/ResultTest--should-parse-readByQuery-response-8.xml', 'ok', '', 1, '2', '8', '8'],
  ['sdk-js/ResultTest--should-parse-readByQuery-response-with-multiple-records-9.xml', 'ok', '', 2, '3', '8', '9'],
  ['sdk-js/ResultTest--should-return-failure-status-and-errors-1.xml', 'result', 'Query Failed', 0, '', '', ''],
  ['sdk-js/ResultTest--should-return-success-status.xml', 'ok', '', 0, '0', '', ''],
  ['sdk-js/ResultTest--should-throw-error-for-missing-controlid-element-4.xml', 'ok', '', 0, '0', '', ''],
  ['sdk-js/ResultTest--should-throw-error-for-missing-function-element-3.xml', 'ok', '', 0, '0', '', ''],
  ['sdk-js/ResultTest--should-throw-error-for-missing-status-element-2.xml', 'incomplete', '', 0, '0', '', ''],
  ['sdk-js/ResultTest--should-throw-error-for-result-status-as-aborted-6.xml', 'result', 'Query Failed', 0, '', '', ''],
  ['sdk-js/ResultTest--should-throw-error-for-result-status-as-failure-5.xml', 'result', 'XXX', 0, '', '', ''],
  [
    'sdk-js/SessionProviderTest--should-execute-from-login-credentials-with-entity-1.xml',
    'ok',
    '',
    1,
    '',
    'fAkESesSiOnId..',
    'fAkESesSiOnId..',
  ],
  [
    'sdk-js/SessionProviderTest--should-execute-from-login-credentials.xml',
    'ok',
    '',
    1,
    '',
    'fAkESesSiOnId..',
    'fAkESesSiOnId..',
  ],
  [
    'sdk-js/SessionProviderTest--should-execute-from-private-entity-session-credentials-with--3.xml',
    'ok',
    '',
    1,
    '',
    'EntityBSession..',
    'EntityBSession..',
  ],
  [
    'sdk-js/SessionProviderTest--should-execute-from-top-level-session-credentials-with-entit-2.xml',
    'ok',
    '',
    1,
    '',
    'fAkESesSiOnId..',
    'fAkESesSiOnId..',
  ],
]

/** Parts of a reply, put where they stand in one. */
function wrapped(file: string, text: string): string {
  if (!file.includes('fragment-')) return text
  // The printed excerpts have "..." in them, which is text beside elements.
  const data = text.startsWith('<data') ? text : `<data>${text}</data>`
  return `<response><control><status>success</status></control><operation><authentication><status>success</status></authentication><result><status>success</status><function>sample</function><controlid>c</controlid>${data}</result></operation></response>`
}

function read(file: string, chunk: number): GatewayReply {
  const bytes = Buffer.from(wrapped(file, readFileSync(join(dir, file), 'utf8')))
  const parser = createReplyParser(file)
  for (let at = 0; at < bytes.length; at += chunk) parser.write(bytes.subarray(at, at + chunk))
  return parser.end()
}

function lineOf(file: string): Line {
  const reply = read(file, 61)
  const result = reply.results[0]
  const rows = result?.rows ?? []
  const key = (row: (typeof rows)[number] | undefined): string =>
    row
      ? (row.attributes.typename ?? row.attributes.name ?? Object.values(row.fields).find((value) => value) ?? row.tag)
      : ''
  const counts = [
    rows.length,
    result?.data?.totalcount ?? result?.data?.total ?? '',
    key(rows[0]),
    key(rows.at(-1)),
  ] as const
  try {
    checkReply(reply, file)
  } catch {
    const errors = [...reply.controlErrors, ...reply.authenticationErrors]
    const level =
      errors.length === 0 ? 'incomplete' : reply.control?.status === 'success' ? 'authentication' : 'control'
    return [file, level, errors[0]?.errorno ?? '', ...counts]
  }
  const failed = reply.results.find(({ status }) => status !== 'success')
  if (failed)
    return [file, failed.errors.length > 0 ? 'result' : 'incomplete', failed.errors[0]?.errorno ?? '', ...counts]
  return [file, file.includes('fragment-') ? 'fragment' : 'ok', '', ...counts]
}

describe('sample replies of Intacct', () => {
  before(function () {
    if (existsSync(dir)) return
    console.log('      skipped: ../shared/contracts/intacct is not there, so the sample replies cannot be read')
    this.skip()
  })
  const files = existsSync(dir)
    ? globSync('**/*.xml', { cwd: dir })
        .map((file) => relative('.', file))
        .sort()
    : []

  it('has a line for each file, and a file for each line', () => {
    assert.ok(files.length >= 60, `${files.length} files`)
    assert.deepEqual(SAMPLES.map(([file]) => file).sort(), files)
  })

  for (const line of SAMPLES)
    it(`${line[0]}: ${line[1]} ${line[2]}`, () => {
      assert.deepEqual(lineOf(line[0]), line)
      // In whatever pieces it comes.
      assert.deepEqual(read(line[0], 1), read(line[0], 1_000_000))
    })
})
