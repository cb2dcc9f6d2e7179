/** More records gone than is believed without a person's word. */

const MOST_GONE = 100
const MOST_GONE_SHARE = 0.05

/** Of so many that are known: a lost right, or a switch that was set wrong, looks like this. */
export const isTooMuch = (gone: number, known: number): boolean => gone > MOST_GONE && gone > known * MOST_GONE_SHARE
