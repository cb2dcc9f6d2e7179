/** Editor plugin: loads `tieout-postings.html`, the list of the sidebar of what is posted and what of it waits for a person. */
import type { NodeAPI } from 'node-red'

export default function (RED: NodeAPI): void {
  RED.plugins.registerPlugin('tieout-postings', { type: 'tieout-postings' })
}
