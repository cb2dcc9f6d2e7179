/** Moments of basware-send at which Node-RED is killed: what was posted is done or not, and what the ledger writes of it is or is not. */
import { at, type Springs, STATUS } from './basware-moments.ts'

/**
 * Before and after each: a request that has arrived and is not done; one that is done, and whose number is lost; the ledger's writes
 * ahead of it and after it; and the same of the question what became of it.
 */
export const SENDING: Springs = {
  'copies read': { at: at('masters-get'), fate: 'reset-after' },
  'lines read': { at: at('lines-get'), fate: 'reset-after' },
  'before masters sent': { at: at('masters-get'), fate: 'installation' },
  'masters not taken': { at: at('masters-post'), fate: 'reset-before' },
  'masters taken': { at: at('masters-post'), fate: 'reset-after' },
  'masters stored': { at: at('masters-post'), fate: 'wal' },
  'headers not taken': { at: at('orders-post'), fate: 'reset-before' },
  'headers taken': { at: at('orders-post'), fate: 'reset-after' },
  'lines not taken': { at: at('lines-post'), fate: 'reset-before' },
  'lines taken': { at: at('lines-post'), fate: 'reset-after' },
  'accepted stored': { at: at('lines-post'), fate: 'wal' },
  'result asked': { at: STATUS, fate: 'reset-before' },
  'result told': { at: STATUS, fate: 'reset-after' },
  'result stored': { at: STATUS, fate: 'wal' },
}
