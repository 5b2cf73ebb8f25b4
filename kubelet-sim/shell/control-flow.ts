/** Ends loops, functions or the shell from inside. */
export class ControlFlow extends Error {
  override readonly name = "ControlFlow";
  readonly kind: "break" | "continue" | "return" | "exit";
  /** Loops to leave, or the status. */
  readonly value: number;
  constructor(kind: "break" | "continue" | "return" | "exit", value: number) {
    super(kind);
    this.kind = kind;
    this.value = value;
  }
}
