/** Editor plugin: loads `tieout-search.html`, what the sidebar finds of a document. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-search', { type: 'tieout-search' })
}
