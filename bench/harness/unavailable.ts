/** A benchmark that cannot run here; the message says why. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}
