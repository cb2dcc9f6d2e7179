/** What is said where two write one table: refused by what the ledger knows of its owners, or by a mark in the target. */
import type { TableOwner } from '../../ledger/ledger.ts'
import { type SyncError, syncError } from '../contract/errors.ts'
import { listTable } from '../contract/message.ts'

export const PATTERN = 'Keep {entity} in the pattern of the table names, or give each a table of its own.'

export const nameOf = (entity: string, list: string): string =>
  list === '' ? entity : `${listTable(entity, list)} (${list} of ${entity})`

type Written = Pick<TableOwner, 'sync' | 'entity' | 'list'>

/** Two entities, or an entity and a list, in one table; also what a mark in the target says. */
export const twoEntities = (table: string, owner: Written, claim: Written): SyncError =>
  syncError(
    'config',
    'sync.two-entities',
    `${table} has ${nameOf(owner.entity, owner.list)} of the sync "${owner.sync}", and ${nameOf(claim.entity, claim.list)} of "${claim.sync}" would be written there too.`,
    {
      entity: claim.entity,
      hint: `Two entities in one table overwrite each other. ${PATTERN} If what is in there is not needed any more, empty the table.`,
    },
  )

/** How a person says that a sync goes on in the place of one that wrote its tables. */
export const TAKE_OVER =
  'answer "take over" in the sidebar (Syncs), or send msg.tieout = {"identity": "take over", "by": ..., "reason": ...}'

const MOVED =
  'If it is the same system and only its address is another (a host renamed, a server replaced), answer "keep": msg.tieout = {"identity": "keep", "by": ..., "reason": ...}, and its rows stay as they are. '

/** Records of one source name from two places; also what a mark in the target says. */
export const twoSources = (
  table: string,
  owner: Pick<TableOwner, 'source' | 'sync' | 'sourceAddress'>,
  claim: Pick<TableOwner, 'sync' | 'sourceAddress' | 'entity'>,
  /** What else helps. */
  way = 'empty the table',
): SyncError =>
  syncError(
    'config',
    'sync.two-sources',
    `${table} has records of the source "${owner.source}" that the sync "${owner.sync}" reads from ${owner.sourceAddress}, and "${claim.sync}" would write those of ${claim.sourceAddress} under the same source name.`,
    {
      entity: claim.entity,
      hint: `One source name is one system and folder, or one record overwrites the other. ${owner.sync === claim.sync ? MOVED : ''}Give one of the two connections another source name, or one sync tables of its own. If the other sync is gone for good, ${way}.`,
    },
  )
