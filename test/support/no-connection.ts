/** A connection without settings, for sources and sinks that reach nothing outside. */
import { z } from 'zod'
import type { ConnectionSpec } from '../../nodes/kit/kit.ts'

type Nothing = z.ZodObject<Record<never, never>>

export const noConnection: ConnectionSpec<Nothing, Nothing, object> = {
  type: 'test-connection',
  version: 1,
  config: z.object({}),
  open: () => ({}),
}
