/** Editor plugin: loads `tieout-waiting.html`, the lists of the sidebar that wait for a person: held records and batches in doubt. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-waiting', { type: 'tieout-waiting' })
}
