/** What a shell script is made of. */
export interface List {
  items: { command: Command; background: boolean }[];
}

export type Command =
  | Simple
  | { kind: "pipeline"; commands: Command[]; negated: boolean }
  | { kind: "and-or"; left: Command; operator: "&&" | "||"; right: Command }
  | { kind: "subshell"; body: List; redirects: Redirect[] }
  | { kind: "group"; body: List; redirects: Redirect[] }
  | { kind: "for"; name: string; words: Word[] | undefined; body: List; redirects: Redirect[] }
  | { kind: "while"; until: boolean; condition: List; body: List; redirects: Redirect[] }
  | {
      kind: "if";
      clauses: { condition: List; body: List }[];
      otherwise: List | undefined;
      redirects: Redirect[];
    }
  | { kind: "case"; word: Word; items: { patterns: Word[]; body: List }[]; redirects: Redirect[] }
  | { kind: "function"; name: string; body: Command };

export interface Simple {
  kind: "simple";
  assignments: { name: string; value: Word }[];
  words: Word[];
  redirects: Redirect[];
}

export interface Redirect {
  descriptor: number;
  operator: "<" | ">" | ">>" | ">|" | "<>" | "<&" | ">&" | "<<";
  /** The file, the descriptor, or the text of a here-document. */
  target: Word;
}

export type Word = WordPart[];

export type WordPart =
  | { kind: "text"; text: string; quoted: boolean }
  | { kind: "parameter"; parameter: Parameter; quoted: boolean }
  | { kind: "command"; list: List; quoted: boolean }
  | { kind: "arithmetic"; expression: Word; quoted: boolean };

export interface Parameter {
  /** A variable, a position, or one of `@ * # ? - $ !`. */
  name: string;
  operator?: "-" | "=" | "?" | "+" | "#" | "##" | "%" | "%%" | "length" | "slice" | "replace" | "replace-all";
  /** `:-` and its kin: an empty value counts as unset. */
  colon?: boolean;
  word?: Word;
  /** Length of a slice, text of a replacement. */
  second?: Word;
}
