/** A run could not be judged: no verdict, exit code 2. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
}

/** The same, and something that was injected is still there. */
export class NotHealed extends CannotRun {}
