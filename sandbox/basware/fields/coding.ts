import { date, type Entity, integer, must, named, number, numbered, text } from './kinds.ts'

const PERCENT = number(-1_000_000_000, 1_000_000_000)

/** A coding row of an invoice: what is posted. */
export const codingRow: Entity = {
  externalCode: must(text(1, 36)),
  rowIndex: integer(0, 100_000),
  accountCode: text(0, 50),
  costCenterCode: text(0, 200),
  lastComment: text(0, 1000),
  matchingType: integer(),
  ...named('freightSlip orderItemNumber', text()),
  orderNumber: text(0, 1000),
  orderLineNumber: text(0, 2000),
  contractNumber: text(0, 255),
  closeOrder: text(0, 100),
  rowOrigin: text(0, 50),
  plannedAdditionalCostType: { kind: 'integer' },
  ...named('taxPercent taxPercent2', PERCENT),
  ...named(
    'grossTotal grossTotalCompany grossTotalOrganization netTotal netTotalCompany netTotalOrganization ' +
      'orderLineNetTotal orderLineGrossTotal receivedQuantity receivedNetPrice receivedGrossPrice receivedNetTotal ' +
      'receivedGrossTotal conversionNumerator conversionDeNumerator conversionDenominator orderedQuantity orderNetTotal ' +
      'orderGrossTotal orderedNetPrice orderedGrossPrice allocatedQuantity matchedQuantity matchedNetSum matchedGrossSum ' +
      'taxSum taxSumCompany taxSumOrganization taxSum2 taxSum2Company taxSum2Organization',
    number(),
  ),
  ...named(
    'accountName costCenterName deliveryNoteNumber organizationElementName organizationElementCode internalOrderCode ' +
      'internalOrderName plant profitCenterCode profitCenterName businessUnitCode businessUnitName projectCode projectName ' +
      'projectSubCode projectSubName employeeCode employeeName vehicleNumber vehicleName salesOrderCode salesOrderName ' +
      'salesOrderSubCode salesOrderSubName customerCode customerName conditionType accAssignmentCategoryCode ' +
      'accAssignmentCategoryName budgetCode budgetName serviceCode serviceName businessAreaCode businessAreaName productCode ' +
      'productName buyerName orderLineDescription orderLinePriceUnit orderLinePriceUnitDescription partnerProfitCenter ' +
      'fixedAssetCode fixedAssetName goodsReceiptItemNumber goodsReceiptNumber materialGroup fiscalYear fixedAssetSubCode ' +
      'fixedAssetSubName orderLineUOM subUOM workOrderCode workOrderName workOrderSubCode workOrderSubName commitmentItem ' +
      'controllingArea functionalArea network networkActivity orderCodingRowNumber ownerName taxCode taxJurisdictionCode',
    text(0, 250),
  ),
  ...numbered('dimCode', 1, 10, text(0, 250)),
  ...numbered('dimName', 1, 10, text(0, 250)),
  ...numbered('num', 1, 5, number()),
  ...numbered('text', 1, 5, text(0, 250)),
  ...numbered('text', 84, 85, text(0, 250)),
  ...numbered('date', 1, 5, date),
}

/** A coding row of an order line, which becomes the matched invoice's. */
export const orderCoding: Entity = {
  externalCode: must(text(1, 36)),
  rowIndex: must(integer(0, 100_000)),
  allocatedQuantity: must(number()),
  accountCode: text(0, 50),
  costCenterCode: text(0, 200),
  ...named('taxPercent taxPercent2', PERCENT),
  ...named(
    'netTotal grossTotal conversionNumerator conversionDenominator conversionDeNumerator taxSum taxSum2',
    number(),
  ),
  ...named('projectCode taxCode', text(0, 25)),
  ...named(
    'accountName costCenterName projectName partnerProfitCenter fixedAssetCode fixedAssetName network networkActivity',
    text(0, 250),
  ),
  materialGroup: text(0, 100),
  ...named(
    'fixedAssetSubCode fixedAssetSubName internalOrderCode internalOrderName profitCenterCode profitCenterName ' +
      'businessUnitCode businessUnitName projectSubCode projectSubName employeeCode employeeName vehicleNumber vehicleName ' +
      'salesOrderCode salesOrderName salesOrderSubCode salesOrderSubName customerCode customerName ' +
      'accAssignmentCategoryCode accAssignmentCategoryName budgetCode budgetName serviceCode serviceName businessAreaCode ' +
      'businessAreaName taxJurisdictionCode subUOM workOrderCode workOrderName workOrderSubCode workOrderSubName ' +
      'commitmentItem controllingArea functionalArea',
    text(0, 50),
  ),
  ...numbered('dimCode', 1, 10, text(0, 100)),
  ...numbered('dimName', 1, 10, text(0, 100)),
  ...numbered('num', 1, 5, number()),
  ...numbered('text', 1, 5, text(0, 250)),
  ...numbered('date', 1, 5, date),
}
