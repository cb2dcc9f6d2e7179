/** The suite of targets that post, with journals of X3 by both of its doors. */
import { postingSuite } from '../support/posting-suite.ts'
import { DOORS, openX3Bench } from '../support/x3-posting-bench.ts'

for (const [name, door] of Object.entries(DOORS)) postingSuite(name, () => openX3Bench(door))
