/** Datasets of the sandbox of Power BI, one of its own for each target. */
import { type PowerbiFixture, prepareContext, startPowerbiFixture } from './powerbi.ts'

/** To be called in a `describe`. */
export function ownDatasets() {
  let f: PowerbiFixture
  before(async () => {
    f = await startPowerbiFixture()
  })
  after(() => f.close())
  let n = 0
  /** A target with a dataset of its own. */
  const fresh = (options: Parameters<PowerbiFixture['target']>[2] = {}) => {
    const name = `T${++n} {entity}`
    const connection = f.connect()
    return {
      connection,
      name: name.replace('{entity}', 'gl_entry'),
      pattern: name,
      target: f.target(connection, 'gl_entry', { dataset: { kind: 'create', name }, ...options }),
    }
  }
  const measure = async (connection: ReturnType<PowerbiFixture['connect']>, name: string, dax: string) => {
    const id = f.sandbox.datasets().find((one) => one.name === name)?.id
    return connection.query(
      `/groups/${f.sandbox.workspace.id}/datasets/${id}/executeQueries`,
      dax,
      'test',
      prepareContext(),
    )
  }
  return {
    get f() {
      return f
    },
    fresh,
    measure,
  }
}
