/** A start that would be unsafe ends here, with what to do; the stack would only hide it. */
export function refuse(text: string): Error {
  const error = new Error(text)
  error.name = 'Tieout does not start'
  error.stack = `${error.name}: ${text}`
  return error
}
