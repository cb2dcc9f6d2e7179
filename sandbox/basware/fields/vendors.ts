import { choice, date, type Entity, list, mail, must, named, notNull, number, one, text, yesNo } from './kinds.ts'

const additionalFields = choice(
  ...['AdditionalField1', 'AdditionalField2', 'AdditionalStreetName', 'BlockName', 'BuildingName', 'BuildingNumber'],
  ...['CitySubDivisionName', 'Country', 'Department', 'District', 'Email', 'Floor', 'GlobalLocationNumber'],
  ...['InhouseEmail', 'MarkAttention', 'MarkCare', 'Region', 'Room', 'CoordinateSystemCode', 'PlotIdentification'],
  ...['LatitudeDegreesMeasure', 'LatitudeDirectionCode', 'LatitudeMinutesMeasure', 'LongitudeDegreesMeasure'],
  ...['LongitudeDirectionCode', 'LongitudeMinutesMeasure'],
)

const address: Entity = {
  externalCode: must(text(1, 36)),
  name: must(text(1, 200)),
  ...named('description addressLine1 addressLine2 addressLine3', text(0, 200)),
  addressType: choice(
    ...['AdditionalAddress', 'VisitingAddress', 'RemittanceAddress', 'DeliveryAddress', 'PostalAddress'],
    'RegistrationAddress',
  ),
  ...named('cityName postalZone poBox streetName locality countrySubEntity countrySubEntityDescription', text(0, 50)),
  countryId: text(2, 2),
  default: yesNo,
  additionalAddressFields: list({ key: notNull(additionalFields), value: text(0, 200) }),
}

const contact: Entity = {
  name: must(text(1, 200)),
  ...named('description email website', text(0, 200)),
  ...named('telephone telefax', text(0, 50)),
  role: notNull(choice('AdditionalContact', 'PrimaryContact', 'SecondaryContact')),
}

const bank: Entity = {
  name: must(text(0, 250)),
  id: must(text(1, 20)),
  schemeId: must(text(1, 36)),
  branchId: text(0, 50),
  branchIdSchemeId: text(0, 36),
  countryId: text(2, 2),
}

const bankAccount: Entity = {
  schemeId: must(text(1, 36)),
  ...named('description accountHolderName accountAdditionalData1 accountAdditionalData2', text(0, 200)),
  ...named('id linkedBbanOrIban', text(0, 50)),
  currencyCode: text(3, 3),
  default: yesNo,
}

const paymentMeans: Entity = {
  paymentMeansCode: must(text(1, 25)),
  description: text(0, 200),
  currencyCode: text(3, 3),
  default: yesNo,
  financialAccounts: list({ financialInstitution: one(bank), financialAccountIdentifiers: list(bankAccount) }),
}

const ordering: Entity = {
  orderingFormat: choice('UBL', 'EHFXML21', 'email', 'other', 'none', 'BaswareNetwork'),
  orderingMessageLanguage: text(0, 10),
  orderingLanguage: text(0, 25),
  orderEmail: mail(3, 320),
  orderProcessType: text(0, 50),
  minimumOrderAllowed: number(),
  ...named('isTaxable automaticallyReceiveOnInvoice automaticallyReceiveOnOrder hasActiveCatalog', yesNo),
  ...named('createOrderAutomatically deliverOrderAutomatically noFreeformItems sendToNetwork', yesNo),
}

export const vendor: Entity = {
  externalCode: must(text(1, 36)),
  vendorCode: must(text(1, 25)),
  vendorParent: text(),
  buvid: text(0, 36),
  name: must(text(1, 250)),
  sourceSystem: text(0, 36),
  description: text(0, 250),
  supplierAssignedAccountId: text(0, 128),
  eligibleForSourcing: yesNo,
  vendorClass: text(0, 100),
  identifiers: list({ id: must(text(1, 36)), schemeId: must(text(1, 32)), defaultPartyId: yesNo }),
  addresses: list(address),
  contacts: list(contact),
  deliveryTerm: one({
    deliveryTermCode: must(text(1, 25)),
    deliveryLocation: text(0, 100),
    description: text(0, 200),
  }),
  paymentMeans: list(paymentMeans),
  paymentTerms: one({ paymentTermCode: must(text(1, 25)), description: text(0, 200) }),
  orderingDetails: one(ordering),
  processingStatus: one(named('active paymentDenied', yesNo)),
  tags: list({ name: must(text(1, 50)), value: must(text(1, 250)), tagGroup: text(0, 50) }),
  customFields: list({ name: must(text(1, 25)), value: must(text(1, 250)), groupName: text(0, 500) }),
  companies: must(list({ companyCode: must(text(1, 32)), inheritToChildUnits: yesNo })),
  lastUpdated: notNull(date),
}
