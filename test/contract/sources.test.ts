import { entityDef } from '../../nodes/intacct/client/entities.ts'
import { ENTITIES } from '../../nodes/x3/client/entities/index.ts'
import { startIntacctFixture } from '../support/intacct.ts'
import { connectIntacct, intacctEntities, intacctSource } from '../support/intacct-client.ts'
import { type SourceStage, sourceSuite } from '../support/source-suite.ts'
import { startX3Fixture } from '../support/x3.ts'
import { connect, sourceOf } from '../support/x3-client.ts'

const quick = { retry: { attempts: 6, firstDelayMs: 1, maxDelayMs: 2 } }

sourceSuite({
  name: 'Sage X3',
  entities: ENTITIES.map(({ entity }) => entity),
  document: 'gl_entry',
  address: /^x3:\/\/127\.0\.0\.1:\d+\/SEED$/,
  async start(): Promise<SourceStage> {
    const fixture = await startX3Fixture()
    const opened: { close(): Promise<void> }[] = [fixture.x3]
    return {
      open(more) {
        const connection = connect(fixture, quick)
        opened.unshift(connection)
        return sourceOf(connection, more ?? {})
      },
      deny: (entity) => fixture.x3.deny(ENTITIES.find((def) => def.entity === entity)?.node ?? entity),
      allow: () => fixture.x3.allow(),
      close: async () => {
        for (const one of opened) await one.close()
      },
    }
  },
})

sourceSuite({
  name: 'Sage Intacct',
  entities: intacctEntities,
  document: 'gl_entry',
  address: /^intacct:\/\/127\.0\.0\.1:\d+\/\S+$/,
  async start(): Promise<SourceStage> {
    const fixture = await startIntacctFixture()
    const opened: { close(): Promise<void> }[] = [fixture.intacct]
    return {
      open(more) {
        const connection = connectIntacct(fixture, quick)
        opened.unshift(connection)
        return intacctSource(connection, more ?? {})
      },
      deny: (entity) => fixture.intacct.deny(entityDef(entity)?.of?.object ?? entity),
      allow: () => fixture.intacct.allow(),
      close: async () => {
        for (const one of opened) await one.close()
      },
    }
  },
})
