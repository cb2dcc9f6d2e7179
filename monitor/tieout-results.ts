/** Editor plugin: loads `tieout-results.html`, the list of the sidebar of what targets have accepted and not processed yet. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-results', { type: 'tieout-results' })
}
