/** Editor plugin: loads `tieout-held.html`, the list of the sidebar of held records, by the reasons for which they are held. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-held', { type: 'tieout-held' })
}
