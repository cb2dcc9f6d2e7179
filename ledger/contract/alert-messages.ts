/** What recipients of alerts were told, and the messages on their way to them. */

/** A cause that a recipient was told of, until he is told that it is over. */
export interface ToldCause {
  readonly cause: string
  /** Ids of the alerts that it stood for. */
  readonly alerts: readonly string[]
  /** When it began, and when it was told last (ISO). */
  readonly began: string
  readonly told: string
  /** What was said of it, as JSON: what is over is named as it was. */
  readonly facts: string
}

/** A message that has not gone out yet. */
export interface AlertMessage {
  readonly id: string
  readonly recipient: string
  /** As JSON. */
  readonly message: string
  /** When it was written, and when it is to be tried next (ISO). */
  readonly at: string
  readonly due: string
  readonly tries: number
  /** Why it did not go out, in words. */
  readonly problem?: string
}

/** Recipients are named by the id of their node. */
export interface AlertMessages {
  toldCauses(recipient: string): Promise<readonly ToldCause[]>
  /** What is told, what is over and the messages that say so: all of it or nothing. */
  tellCauses(
    recipient: string,
    telling: {
      readonly told: readonly ToldCause[]
      readonly over: readonly string[]
      readonly messages: readonly Pick<AlertMessage, 'id' | 'message' | 'at'>[]
      /** A note that moves with it. */
      readonly note?: { readonly address: string; readonly text: string }
    },
  ): Promise<void>
  /** Oldest first. */
  alertMessages(recipient: string): Promise<readonly AlertMessage[]>
  /** It went out, or was given up. */
  endAlertMessage(id: string): Promise<void>
  delayAlertMessage(id: string, delay: Pick<AlertMessage, 'due'> & { readonly problem: string }): Promise<void>
}
