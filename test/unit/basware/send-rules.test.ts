import { deepStrictEqual, strictEqual, throws } from 'node:assert/strict'
import { config, optionsOf } from '../../../nodes/basware/basware-send.ts'
import { readConfig } from '../../../nodes/kit/kit.ts'

const options = (values: object) => optionsOf(readConfig({ config, version: 1 }, { ...values }))

describe('basware-send: tables of the dialog', () => {
  it('may have empty cells, which mean what is usual', () => {
    const { rules } = options({
      axes: [
        { axis: 'CCT', to: 'costCenters', code: '', name: '', coding: 'costCenterCode' },
        { axis: 'PRO', to: 'ACC_LIST_21', code: '', name: 'text_3', coding: '' },
        { axis: 'PRD', to: '', code: '', name: '', coding: '' },
      ],
      accounts: [{ product: '*', company: '', account: '6' }],
      sourceSystem: '',
    })
    deepStrictEqual(
      rules.axes.map(({ to, code, name }) => [to, code, name]),
      [
        ['costCenters', 'text_1', 'text_2'],
        ['lists/ACC_LIST_21', 'text_1', 'text_3'],
        ['', 'text_1', 'text_2'],
      ],
    )
    deepStrictEqual([rules.accounts[0]?.company, rules.sourceSystem], ['*', 'X3'])
  })

  it('are refused by field where a row cannot be meant', () => {
    const axis = (more: object) => () =>
      options({ axes: [{ axis: 'A', to: '', code: '', name: '', coding: '', ...more }] })
    throws(axis({ to: 'ACC_LIST_36' }), /Field axes: "ACC_LIST_36" of the axis A is neither/)
    throws(axis({ coding: 'dimCode11' }), /"dimCode11" of the axis A is no field of a coding row/)
    throws(axis({ code: 'text_26' }), /"text_26" of the axis A is no text column/)
    throws(() => options({ companies: [{ company: '' }] }), /Field companies/)
  })

  it('say which field is moved where Basware would skip a record', () => {
    const { moves } = options({
      moves: [
        { place: 'vendors', field: '' },
        { place: 'lists', field: 'text_9' },
      ],
    })
    strictEqual(moves('vendors'), '')
    strictEqual(moves('lists/ACC_LIST_1'), 'text_9')
    strictEqual(moves('matchingOrderLines'), 'text10')
  })
})
