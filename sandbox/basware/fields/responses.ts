import { date, type Entity, must, number, text, yesNo } from './kinds.ts'

/** What an ERP tells of an invoice: that it is in its books, is prebooked, or is paid. */
const voucher: Entity = {
  externalCode: must(text(1, 36)),
  success: must(yesNo),
  responseMessage: must(text(1, 250)),
  sourceSystem: text(0, 32),
  voucherNumber1: text(0, 25),
  voucherNumber2: text(0, 25),
  paymentBlock: must(yesNo),
}

export const transferResponse: Entity = { ...voucher, transferDate: date }

/** The published file gives the flag `success` a length here, which means nothing. */
export const prebookResponse: Entity = { ...voucher, prebookDate: date }

export const paymentResponse: Entity = {
  externalCode: must(text(1, 36)),
  success: must(yesNo),
  responseMessage: text(0, 250),
  sourceSystem: text(0, 32),
  paymentDate: date,
  paymentTermCode: text(0, 25),
  paymentBlock: must(yesNo),
  paymentMethod: text(0, 25),
  paidTotal: number(),
  cashDiscount: number(),
  checkNumber: text(0, 25),
  paymentMessage: text(0, 100),
  paymentNumber: text(0, 250),
  paymentDocument: text(0, 250),
  paymentReversalDocument: text(0, 250),
}
