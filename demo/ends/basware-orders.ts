/** The demo's axes: where the dimensions of each type go in Basware, and the field of a coding row that names them. */
export const AXES: Readonly<Record<string, string>> = {
  CCT: 'costCenters',
  PRO: 'lists/ACC_LIST_21',
  PRD: 'lists/ACC_LIST_22',
}

const FIELDS: Readonly<Record<string, string>> = { CCT: 'costCenterCode', PRO: 'dimCode1', PRD: 'dimCode2' }

export const codingField = (axis: string): string => FIELDS[axis] ?? ''
