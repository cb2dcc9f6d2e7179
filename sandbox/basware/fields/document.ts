import { codingRow } from './coding.ts'
import {
  choice,
  date,
  type Entity,
  integer,
  list,
  must,
  named,
  notNull,
  number,
  numbered,
  one,
  text,
  yesNo,
} from './kinds.ts'
import { paymentResponse, prebookResponse, transferResponse } from './responses.ts'

/** Every state that an invoice can be in. */
export const STATES = [
  ...['WaitingForPrebook', 'PrebookInProgress', 'Prebooked', 'PrebookFailed'],
  ...['WaitingForTransfer', 'TransferInProgress', 'Transferred', 'TransferFailed'],
  ...['WaitingForPrebookCancelation', 'PrebookCancelationInProgress', 'PrebookCanceled', 'PrebookCancelFailed'],
  ...['WaitingToBeRemoved', 'Removed', 'RemoveFailed', 'WaitingToBeReturned', 'Returned', 'ReturnFailed'],
  ...['WaitingToBeCompleted', 'CompletionInProgress', 'Completed', 'CompletionFailed', 'Paid', 'New'],
  ...['WaitingForEnrichmentTransfer', 'EnrichmentTransferInProgress', 'EnrichmentTransferred'],
  ...['EnrichmentTransferFailed', 'InDocumentFilter', 'DocumentFilterReleased'],
]

export const MODES = ['Standard', 'InvoiceEnrichment']

const invoiceLine: Entity = {
  ...named('externalCode productCode productName orderNumber quantityUnit', text()),
  ...named('rowIndex infoItem lineType', integer()),
  ...named(
    'quantity netPrice taxPercent taxSum grossPrice discountAmount discountPercent grossSum itemTotalSum',
    number(),
  ),
  ...named('netSum taxPercent2 taxSum2', number()),
  additionalCost: yesNo,
  additionalCostRecognition: text(0, 200),
  ...named('deliveryNoteNumber taxCode', text(0, 250)),
  orderRowNumber: text(0, 50),
  ...numbered('date', 1, 5, date),
  ...numbered('numeric', 1, 10, number()),
  ...numbered('text', 1, 10, text(0, 250)),
}

const attachment: Entity = {
  ...named('externalCode category filename', text()),
  isConfidential: notNull(yesNo),
  creationTime: notNull(date),
}

const enrichmentResponse: Entity = {
  externalCode: must(text(1, 36)),
  success: must(yesNo),
  responseMessage: must(text(1, 250)),
  sourceSystem: text(0, 32),
  transferDate: date,
}

const removeResponse: Entity = {
  externalCode: must(text(2, 36)),
  success: yesNo,
  responseMessage: must(text(0, 250)),
  sourceSystem: text(0, 32),
}

/** An invoice with everything that hangs on it. */
export const accountingDocument: Entity = {
  invoiceId: must(text(1, 36)),
  processingStatus: must(choice(...STATES)),
  p2pProcessingMode: notNull(choice(...MODES)),
  originService: notNull(integer()),
  companyCode: must(text(1, 32)),
  companyName: text(2, 250),
  supplierCode: must(text(0, 25)),
  currencyCode: must(text(2, 3)),
  paymentBlock: must(yesNo),
  ...named('bumid parentInvoiceBumId supplierSourceSystemId', text(0, 36)),
  ...named('invoiceNumber paymentTermExternalCode clearingReferenceId paymentMessage', text(0, 100)),
  ...named('voucherNumber1 voucherNumber2 organizationCode taxCode invoiceTypeCode paymentMethod', text(0, 25)),
  ...named('paymentTermCode clearingCountry', text(0, 25)),
  ...named('organizationName supplierName contractNumber description invoiceTypeName paymentTermName', text(0, 250)),
  ...named('paymentRevelsalDocument supplierBankBIC supplierBankName removalReasonComment', text(0, 250)),
  ...named('invoiceImageURL invoiceImageToken', text(0, 250)),
  ...named('referenceNumber supplierBankIBAN supplierBankBBAN accountingPeriod accountingGroup', text(0, 50)),
  ...named('referencePerson paymentPlanReference', text(0, 255)),
  ...named('voucherDate invoiceDate baseLineDate dueDate cashDate codingDate clearingDate exchangeRateBaseDate', date),
  ...named(
    'netSum grossSum taxPercent2 taxSum1 taxSum2 cashSum exchangeRateCompany exchangeRateOrganization',
    number(),
  ),
  ...named('cashSumCompany cashSumOrganization taxSum1Company taxSum1Organization taxSum2Company', number()),
  ...named('taxSum2Organization grossSumCompany grossSumOrganization netSumCompany netSumOrganization', number()),
  taxPercent1: number(-1_000_000_000, 1_000_000_000),
  cashPercent: number(0, 100),
  ...named('prebooked removedBeforeTransfer', yesNo),
  removalReason: notNull(choice()),
  currencyCodeCompany: text(0, 3),
  currencyCodeOrganization: text(2, 3),
  organizationElementCode: text(1, 25),
  organizationElementName: text(1, 250),
  ...numbered('text', 1, 10, text(0, 250)),
  ...numbered('text', 11, 30, text(0, 100)),
  ...numbered('text', 31, 60, text(0, 250)),
  ...numbered('numeric', 1, 30, number()),
  ...numbered('date', 1, 10, date),
  disputeInfo: one({ isDisputed: notNull(yesNo), disputeReason: text(), disputeDate: date }),
  orderNumbers: list(),
  lastUpdated: notNull(date),
  codingRows: list(codingRow),
  invoiceLines: list(invoiceLine),
  attachments: list(attachment),
  transferParameters: list({ key: must(text(1, 250)), value: must(text(1, 250)) }),
  enrichmentResponses: list(enrichmentResponse),
  prebookResponses: list(prebookResponse),
  transferResponses: list(transferResponse),
  paymentResponses: list(paymentResponse),
  removeResponses: list(removeResponse),
}
