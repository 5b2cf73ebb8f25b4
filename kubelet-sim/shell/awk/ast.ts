export class AwkError extends Error {
  override readonly name = "AwkError";
}

export type Expression =
  | { kind: "number"; value: number }
  | { kind: "string"; value: string }
  | { kind: "regexp"; expression: RegExp }
  | { kind: "variable"; name: string }
  | { kind: "field"; index: Expression }
  | { kind: "element"; name: string; subscripts: Expression[] }
  | { kind: "assign"; operator: string; target: Expression; value: Expression }
  | { kind: "step"; by: 1 | -1; prefix: boolean; target: Expression }
  | { kind: "binary"; operator: string; left: Expression; right: Expression }
  | { kind: "unary"; operator: string; operand: Expression }
  | { kind: "ternary"; condition: Expression; yes: Expression; no: Expression }
  | { kind: "in"; subscripts: Expression[]; name: string }
  | { kind: "call"; name: string; args: Expression[] };

export type Statement =
  | { kind: "expression"; expression: Expression }
  | { kind: "print"; format: boolean; args: Expression[] }
  | { kind: "if"; condition: Expression; yes: Statement; no: Statement | undefined }
  | { kind: "while"; condition: Expression; body: Statement; bodyFirst: boolean }
  | {
      kind: "for";
      start: Statement | undefined;
      condition: Expression | undefined;
      step: Statement | undefined;
      body: Statement;
    }
  | { kind: "for-in"; variable: string; array: string; body: Statement }
  | { kind: "block"; body: Statement[] }
  | { kind: "delete"; name: string; subscripts: Expression[] | undefined }
  | { kind: "next" | "break" | "continue" }
  | { kind: "exit"; status: Expression | undefined };

export interface Rule {
  pattern: "BEGIN" | "END" | Expression | undefined;
  /** The end of a range `a, b`. */
  until: Expression | undefined;
  /** Undefined prints the line. */
  action: Statement | undefined;
}
