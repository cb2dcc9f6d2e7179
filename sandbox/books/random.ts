/** Numbers that look random and are computed from where they stand, so that row i of a table needs none of the rows before it. */

function mix(state: number, value: number): number {
  let h = Math.imul(state ^ value, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** 32 bits out of four whole numbers: the same on every machine and in every run. */
export function hash(seed: number, table: number, index: number, salt = 0): number {
  return mix(mix(mix(mix(0x9e3779b9, seed), table), index), salt)
}

/** The next whole number in [0, below). */
export type Draw = (below: number) => number

/** A sequence of draws that belongs to one row. */
export function draws(seed: number, table: number, index: number): Draw {
  let state = hash(seed, table, index, 0x51ed)
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below)
  }
}

/** One of a list that is not empty. */
export function pick<T>(draw: Draw, list: readonly T[]): T {
  return list[draw(list.length)] as T
}

/** FNV-1a, 32 bits, mixed once more because its last digits follow the text's. */
export function textHash(value: string): number {
  let hash = 2166136261
  for (let k = 0; k < value.length; k++) hash = Math.imul(hash ^ value.charCodeAt(k), 16777619)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}
