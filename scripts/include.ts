/** Parts of dialogs that several nodes have alike: they stand once, and the build puts them where a node's html names them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROWS = join(import.meta.dirname, '../nodes/kit/editor/rows')

/** The html of a node, with each `<!-- rows: route.html -->` replaced by the file of that name in `nodes/kit/editor/rows`. */
export const withRows = (html: string): string =>
  html.replace(/^ *<!-- rows: ([\w-]+\.(?:html|md)) -->\n/gm, (_, name: string) =>
    readFileSync(join(ROWS, name), 'utf8'),
  )
