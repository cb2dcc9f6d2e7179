import {
  choice,
  date,
  type Entity,
  list,
  mail,
  must,
  named,
  notNull,
  number,
  numbered,
  one,
  text,
  yesNo,
} from './kinds.ts'

const deliveryAddress: Entity = {
  name: must(text(1, 250)),
  ...named('pObox streetName additionalStreetName blockName buildingName buildingNumber department', text(0, 250)),
  ...named('floor room postalZone city region district countryCode countryName', text(0, 250)),
  description: text(0, 1000),
  globalLocationNumber: text(0, 13),
  ...named('countrySubEntity countrySubEntityDescription', text(0, 50)),
  ...named('addressId addressSchemeId', text(0, 2000)),
}

/** Things that an amount is coded to: each has a code and, under a like name, a text. */
const CODED =
  'fixedAsset fixedAssetSub internalOrder profitCenter businessUnit projectSub employee salesOrder salesOrderSub ' +
  'customer accAssignmentCategory budget service businessArea workOrder workOrderSub'
const coded = (ending: string): string =>
  CODED.split(' ')
    .map((name) => name + ending)
    .join(' ')

const coding: Entity = {
  externalCode: must(text(1, 36)),
  ...named(`accountCode costCenterCode projectCode vehicleNumber distributionCode ${coded('Code')}`, text(0, 25)),
  ...named('accountName costCenterName', text(0, 2000)),
  ...named('projectName vehicleName', text(0, 255)),
  ...named(`distributionMode ${coded('Name')}`, text(0, 250)),
  ...numbered('dimCode', 1, 10, text(0, 25)),
  ...numbered('dimName', 1, 10, text(0, 250)),
  ...numbered('text', 1, 5, text(0, 250)),
  ...numbered('num', 1, 5, number()),
  ...numbered('date', 1, 5, date),
}

const percent = number(0, 1_000_000_000)

const line: Entity = {
  externalCode: must(text(1, 36)),
  extRequisitionLineNumber: must(text(1)),
  ...named('categoryCode deliveryTerm plant storageLocation grNote subUOM materialGroup', text(0, 100)),
  ...named('supplierCode taxCode', text(0, 32)),
  ...named('supplierName contractNumber manufacturerProductCode leadTime paymentTermCode', text(0, 255)),
  ...named('buyerProductCode supplierProductName quantityUnitName', text(0, 250)),
  supplierProductCode: text(0, 50),
  ...named('description paymentTermName additionalInfo', text(0, 2000)),
  desiredDeliveryDate: date,
  ...named('allowPartialDeliveries receiveAutomatically attachPdfToNetworkOrder', yesNo),
  unspsc: text(0, 64),
  ...numbered('lineDataText', 1, 5, text(0, 250)),
  ...numbered('lineDataNum', 1, 5, number()),
  ...numbered('lineDataDate', 1, 5, date),
  ...numbered('linePricingText', 1, 5, text(0, 250)),
  ...numbered('linePricingNum', 1, 5, number()),
  ...numbered('linePricingDate', 1, 5, date),
  ...named('quantity unitPrice taxPercent2 conversionNumerator conversionDenominator', number()),
  quantityUnitCode: text(0, 10),
  priceType: notNull(choice('Net', 'Gross')),
  refundLine: notNull(yesNo),
  ...named('discountPercent taxPercent', percent),
  currencyCode: must(text(1, 25)),
  taxJuristictionCode: text(0, 25),
  ...named('ownerOrderingEmail supplierOrderingEmail', mail(0, 1800)),
  orderRecipientType: notNull(choice('Supplier', 'Owner', 'SupplierAndOwner')),
  otherOrderingEmail: mail(),
  deliveryAddress: one(deliveryAddress),
  codingRows: list(coding),
}

/** A requisition, from which P2P makes an order once it is approved. */
export const purchaseRequisition: Entity = {
  externalCode: must(text(1, 36)),
  extDocumentNumber: must(text(2, 100)),
  ...named('sendToProcess releaseOrdersRequired hidePricesFromSupplier', yesNo),
  ...named('organizationUnitCode ownerLogin', text(0, 100)),
  organizationIdentifier: text(0, 50),
  purchasingGroupCode: text(0, 25),
  ...named('purchasingGroupName deliveryInstructions classification', text(0, 250)),
  orderType: notNull(choice('Standard', 'Blanket')),
  ownerEmail: mail(),
  ownerExternalCode: text(0, 36),
  purpose: must(text(1, 2000)),
  ...named('validityPeriodStartDate validityPeriodEndDate desiredDeliveryDate desiredDeliveryEndDate', date),
  ...numbered('headerDataText', 1, 5, text(0, 250)),
  ...numbered('headerDataNum', 1, 5, number()),
  ...numbered('headerDataDate', 1, 5, date),
  deliveryAddress: one(deliveryAddress),
  lines: must(list(line)),
  lastUpdated: notNull(date),
}
