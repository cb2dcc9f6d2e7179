/** Memory outside of the heap. */

/**
 * Gives the bytes of a buffer back at once; it is empty afterwards. The collector would let go of them only when it looks at the
 * whole heap, and until then they count like heap, so that it does so sooner. What shares its memory with others keeps it.
 */
export function giveBack({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
