import { randomBytes } from 'node:crypto'
import { leaf } from '../xml.ts'

/** One `<error>`; a part that is undefined is left out, one that is empty is an empty element. */
export interface IntacctError {
  readonly errorno?: string
  readonly description?: string
  readonly description2?: string
  readonly correction?: string
}

/** A function that fails. `data` is what it has done or read all the same, as XML. */
export class FunctionError extends Error {
  readonly errors: readonly IntacctError[]
  readonly data: string | undefined
  constructor(errors: readonly IntacctError[], data?: string) {
    super(errors.map(({ errorno, description2 }) => `${errorno} ${description2}`).join('; '))
    this.errors = errors
    this.data = data
  }
}

/** A request that fails as a whole: `control` before anybody is known, `operation` when signing in. */
export class RequestError extends Error {
  readonly level: 'control' | 'operation'
  readonly status: number
  readonly errors: readonly IntacctError[]
  /** Whether the control block says whose request it was. */
  readonly named: boolean
  constructor(level: 'control' | 'operation', errors: readonly IntacctError[], status = 200, named = true) {
    super(errors.map(({ description2, description }) => description2 || description).join('; '))
    this.level = level
    this.errors = errors
    this.status = status
    this.named = named
  }
}

export function errorMessage(errors: readonly IntacctError[]): string {
  const one = (error: IntacctError): string =>
    (['errorno', 'description', 'description2', 'correction'] as const)
      .map((part) => (error[part] === undefined ? '' : leaf(part, error[part])))
      .join('')
  return `<errormessage>${errors.map((error) => `<error>${one(error)}</error>`).join('')}</errormessage>`
}

/** As the gateway puts it behind a text, URL-encoded. */
export function supportId(): string {
  return `[Support ID: ${randomBytes(4).toString('hex')}%7E${randomBytes(12).toString('base64url')}]`
}

const usual = (errorno: string, description2: string, correction = ''): IntacctError => ({
  ...{ errorno, description: '', description2, correction },
})

export const errors = {
  schema: (text: string) => new RequestError('control', [usual('XL03000003', text)]),
  wrongSender: () =>
    new RequestError('control', [usual('XL03000006', 'Incorrect Intacct XML Partner ID or password.')]),
  wrongPolicy: (policy: string) =>
    new RequestError('control', [usual('XL03000006', `${policy} is not a valid transport policy.`)]),
  wrongUser: () => new RequestError('operation', [usual('XL03000006', 'Sign-in information is incorrect')]),
  notAuthorized: (sender: string, company: string) =>
    new RequestError('operation', [
      {
        errorno: 'XL03000006',
        description: 'Invalid Web Services Authorization',
        description2: `The sender ID '${sender}' is not authorized to make Web Services requests to company ID '${company}'.`,
        correction: 'Contact the company administrator to grant Web Services authorization to this sender ID.',
      },
    ]),
  invalidSession: (session: string) =>
    new RequestError('operation', [usual('XL03000006', `Invalid session ${session.slice(0, 1)}....`)]),
  signIn401: () =>
    new RequestError(
      'control',
      [{ errorno: 'XMLGW_JPP0002', description: 'Sign-in information is incorrect. Please check your request.' }],
      401,
    ),
  expired: () =>
    new RequestError('control', [
      {
        errorno: 'PL04000055',
        description: '',
        description2: 'This company is a demo company and has expired.',
        correction: '',
      },
    ]),
  gateway: () =>
    new RequestError(
      'control',
      [{ errorno: 'GW-0011', description: `Invalid Request [Request ID: ${randomBytes(4).toString('hex')}.59]` }],
      400,
      false,
    ),
  throttled: () =>
    new RequestError(
      'control',
      [
        {
          errorno: 'GW-0010',
          description: 'Too many requests: the limit of concurrent operations for this company has been reached',
        },
      ],
      429,
      false,
    ),
  generic: (text = '') =>
    new FunctionError([
      {
        errorno: 'DL02000001',
        description: 'There was an error processing the request.',
        description2: `${text}${text === '' ? '' : ' '}${supportId()}`,
        correction: '',
      },
    ]),
  offline: () =>
    new FunctionError([
      {
        errorno: 'PL03000001',
        description: 'The Service is Temporarily Off-line',
        description2: supportId(),
        correction: 'Please Try Again Later',
      },
    ]),
  noPermission: (operation: string, object: string) =>
    new FunctionError([
      usual(
        'PL04000005',
        `You do not have permission for API operation ${operation} on objects of type ${object.toLowerCase()} ${supportId()}`,
      ),
    ]),
  noAudit: () =>
    new FunctionError([
      { description: '', description2: 'You do not have permission to view audit history', correction: '' },
    ]),
  noObject: (name: string) => new FunctionError([usual('Query Failed', `Object definition ${name} not found`)]),
  noFields: (fields: string) =>
    new FunctionError([
      { errorno: `Invalid fields list ${fields}`, description: '', description2: '', correction: '' },
    ]),
  rolledBack: () =>
    new FunctionError([
      usual('XL03000009', 'The entire transaction in this operation has been rolled back due to an error.'),
    ]),
  repeated: (controlId: string) =>
    new FunctionError([
      usual('XL03000010', `A function with the control ID ${controlId} has been processed before; uniqueid is true.`),
    ]),
  duplicates: () =>
    new FunctionError([
      usual(
        'BL34000061',
        "Another Project with the given value(s) O'Neill  already exists",
        'Use a unique value instead.',
      ),
      usual('BL01001973', 'Could not create project record!'),
    ]),
} as const
