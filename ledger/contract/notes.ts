/** What targets keep for themselves. */

/** A text for each address. */
export interface Notes {
  /** What a target keeps under its address (ids of what it made); on disk when it returns. */
  note(address: string): Promise<string | undefined>
  saveNote(address: string, text: string): Promise<void>
}
